"""The style of the embeddings screen: what is seen where at each size class.

``-here`` stands on the page, the side and the panes that are in their place, not on what holds them all: a class that
comes or goes makes the toolkit match the style sheet anew for everything below.
"""

STYLE = """
EmbedScreen {
    EmbedBody { width: 1fr; height: 1fr; }
    #e-alert { height: auto; max-height: 10; }
    #e-query { height: 1; width: 1fr; padding: 0 1; }
    #e-source { width: auto; max-width: 60%; height: 1; padding-right: 2; link-style: none; link-style-hover: reverse; }
    .e-word { width: auto; height: 1; color: $text-muted; }
    #e-slots { display: none; width: 1fr; height: 1; }
    #e-query.-slots #e-slots { display: block; }
    #e-query.-slots > QueryBox { display: none; }
    #e-slots QueryBox { width: 1fr; max-width: 20; }

    #e-words, ComparePane, PositionsPane, TrainPane, EvaluatePane { display: none; width: 1fr; height: 1fr; }
    #e-words.-here, ComparePane.-here, PositionsPane.-here, TrainPane.-here, EvaluatePane.-here { display: block; }

    #e-left { width: 44; height: 1fr; }
    #e-right { width: 1fr; height: 1fr; }
    #e-near { height: 2fr; }
    #e-analogy-pane { height: 3fr; }
    #e-answers { height: 2fr; min-height: 4; }
    #e-inputs { height: 2; color: $text-muted; }
    #e-plane { height: 3fr; }
    #e-map-pane { height: 17fr; }
    #e-find { display: none; height: 1; border: none; padding: 0; background: $boost; }
    #e-find.-shown { display: block; }
    #e-matrix { height: 14fr; }

    &.-wide #e-left { width: 56; }

    &.-narrow, &.-short, &.-tiny {
        #e-near, #e-analogy-pane, #e-map-pane, #e-matrix { height: 1fr; display: none; }
        #e-near.-here, #e-analogy-pane.-here, #e-map-pane.-here, #e-matrix.-here { display: block; }
        #e-left { width: 36; }
        #e-alert { max-height: 7; }
    }
    &.-tiny {
        #e-left, #e-right { display: none; width: 1fr; }
        #e-left.-here, #e-right.-here { display: block; }
    }
}
"""
