"""The style of the embeddings screen: what is seen where at each size class."""

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
    .-page-words #e-words, .-page-compare ComparePane, .-page-positions PositionsPane,
    .-page-train TrainPane, .-page-evaluate EvaluatePane { display: block; }

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
        .-left-near #e-near, .-left-analogy #e-analogy-pane,
        .-right-map #e-map-pane, .-right-matrix #e-matrix { display: block; }
        #e-left { width: 36; }
        #e-alert { max-height: 7; }
        .-focus-plane #e-answers { height: 5; }
    }
    &.-tiny {
        #e-left, #e-right { display: none; width: 1fr; }
        .-at-left #e-left, .-at-right #e-right { display: block; }
    }
}
"""
