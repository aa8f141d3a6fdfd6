"""Samples and likelihoods that were made elsewhere: read with distrust, refused in one line that says what to do.

    arrays     npy, npz, safetensors    what a file declares, checked before anything of it is read
    pictures   a folder of PNG          the same, for images
    scale      any stated range         values -> the task's levels, exactly, or rounded where that is asked for
    raw        a path                   -> x and c as they are written
    samples    the same                 -> x and c as the task has them
    numbers    csv                      negative log-likelihoods, one for each test item, and quoted metrics
    model      x, c                     -> a `GenerativeModel` that deals them out

No pickle is opened, no link is followed out of a folder, and no more is unpacked than a file's header owns up to.
"""
