"""What a model minimises: divergences, and the losses of adversarial games. Families import it; it imports none.

adversarial    losses of a critic and of what it scores, gradient penalties
divergences    reverse KL and Rényi divergences from a known density
explicit       models with a likelihood and differentiable samples, whose objective can be chosen
choice         the keywords of a recipe -> an objective
"""
