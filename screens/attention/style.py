"""The style of the attention screen: what is seen where at each size class."""

STYLE = """
AttentionScreen {
    AttentionBody { width: 1fr; height: 1fr; }
    #a-alert { height: auto; max-height: 9; }
    #a-strip-pane { height: 6; }
    #a-main { height: 1fr; width: 1fr; }
    #a-left { width: 36%; max-width: 40; height: 1fr; }
    #a-grid-pane { height: 1fr; min-height: 8; }
    #a-ranks { display: none; }
    .-sorted #a-ranks { display: block; }
    .-sorted #a-grid { display: none; }
    #a-head { height: 11; }
    #a-centre { width: 1fr; height: 1fr; }
    #a-centre > CentreView { width: 1fr; height: 1fr; }
    #a-lens-head { height: 1; color: $text-muted; text-style: bold; }
    #a-right { width: 28%; max-width: 32; height: 1fr; }
    #a-looks-pane, #a-next-pane { height: 1fr; }
    #a-looks, #a-next, #a-ranks { scrollbar-gutter: stable; }
    .-view-maths #a-right, .-view-lens #a-right, .-view-time #a-right { display: none; }

    &.-wide {
        #a-left { width: 54; max-width: 54; }
        #a-right { width: 44; max-width: 44; }
        .-view-maths #a-right, .-view-lens #a-right, .-view-time #a-right { display: block; }
    }

    &.-narrow, &.-short, &.-tiny {
        #a-strip-pane, #a-left, #a-right, #a-head, #a-grid-pane, #a-looks-pane, #a-next-pane { display: none; }
        #a-strip-pane { height: 5; }
        #a-left { width: 34; max-width: 100%; }
        #a-right { width: 34; max-width: 100%; }
        #a-head, #a-grid-pane, #a-looks-pane, #a-next-pane { height: 1fr; }
        .-side-strip #a-strip-pane { display: block; }
        .-side-grid #a-left, .-side-grid #a-grid-pane { display: block; }
        .-side-head #a-left, .-side-head #a-head { display: block; }
        .-side-looks #a-right, .-side-looks #a-looks-pane { display: block; }
        .-side-next #a-right, .-side-next #a-next-pane { display: block; }
        #a-alert { max-height: 6; }
    }
    &.-narrow .-merged #a-left, &.-narrow .-merged #a-right { display: none; }
    &.-normal.-short {
        #a-left { width: 42; }
        #a-right { width: 36; }
    }

    &.-tiny {
        #a-main { width: 1fr; }
        #a-left, #a-right { width: 1fr; }
        #a-strip-pane { height: 1fr; }
        .-pane-side #a-centre { display: none; }
        .-pane-side.-side-strip #a-main { display: none; }
        .-pane-centre #a-left, .-pane-centre #a-right, .-pane-centre #a-strip-pane { display: none; }
        .-pane-side.-side-strip #a-strip-pane { display: block; }
        .-pane-side.-side-grid #a-left, .-pane-side.-side-head #a-left { display: block; }
        .-pane-side.-side-looks #a-right, .-pane-side.-side-next #a-right { display: block; }
    }
}
"""
