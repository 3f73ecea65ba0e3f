"""t-SNE (van der Maaten & Hinton 2008) by scikit-learn, in stretches of iterations, with progress and a way to stop.

scikit-learn's descent has neither, so it is called for a stretch at a time, each from where the last one ended. It
keeps no state but the picture, the speed of each point and its gains; the last two begin anew with each stretch, so the
picture is a little another than that of one long call, with the same loss. Threads: scikit-learn's own.
"""
