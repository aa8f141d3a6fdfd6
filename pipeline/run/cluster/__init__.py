"""`coverseek run --on ray`: cells on the nodes of a cluster.

config          cluster.yaml
ray_cluster     the place, as the schedule sees it
attempt         whether a cell runs again
ray_connection  the connection to Ray with safe settings: the one module that imports Ray
ray_nodes       the nodes that take cells: those with this code that ask for a token
ray_task        one cell as one task of Ray
remote_call     what driver and node tell each other of a cell
remote_work     the driver's side: what a node gets, and the files of its answer
remote_cell     the node's side: fetch, run, send
private_folder  the folder of an attempt on a node
node_identity   what has to be equal on driver and node
transport       files from one cache to another, through a store or as bytes
content_store   files by their md5: the one module that imports dvc_data
"""
