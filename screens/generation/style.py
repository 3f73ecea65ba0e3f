"""The style of the console: what is seen where at each size class."""

STYLE = """
GenerationScreen {
    GenerationBody { width: 1fr; height: 1fr; }
    #alert { height: auto; max-height: 9; }
    #top { height: 7; }
    #top:focus-within { height: 11; }
    #prompt { width: 1fr; height: 1fr; padding: 0 1; }
    #prompt-text { height: auto; }
    #prompt.-editing #prompt-text { display: none; }
    #sampling-pane { width: 62; height: 1fr; padding: 0 0 0 1; }
    #main { height: 1fr; }
    #texts { width: 1fr; height: 1fr; }
    #strip-pane, #other-pane { width: 1fr; height: 1fr; padding: 0 1; }
    #other-pane, #steps-pane { display: none; }
    #steps-pane { width: 42%; max-width: 104; height: 1fr; padding: 0 0 0 1; }
    .-compare #other-pane, &.-wide .-compare #other-pane { display: block; }
    #side { width: 46; height: 1fr; }
    #alternatives-pane { height: 14; max-height: 70%; padding: 0 0 0 1; }
    #branches-pane { height: 1fr; padding: 0 0 0 1; }
    #detail-pane { height: 4; padding: 0 1; }

    &.-wide { #side { width: 56; } #sampling-pane { width: 74; } }
    &.-wide.-high, &.-normal.-high { #top { height: 15; } #alternatives-pane { height: 15; } }
    &.-wide.-high #steps-pane { display: block; }
    &.-wide.-high .-compare #steps-pane, &.-wide.-high .-scoring #steps-pane { display: none; }

    &.-narrow, &.-short, &.-tiny {
        #top { height: 3; }
        #top:focus-within { height: 8; }
        #main { layout: vertical; }
        #side { width: 1fr; height: 9; display: none; }
        #sampling-pane, #detail-pane, #alternatives-pane, #branches-pane { display: none; }
        #alternatives-pane, #branches-pane { height: 1fr; max-height: 100%; }
        .-pane-alternatives #side, .-pane-branches #side { display: block; }
        .-pane-alternatives #alternatives-pane, .-pane-branches #branches-pane { display: block; }
        .-pane-detail #detail-pane { display: block; }
        .-pane-sampling #sampling-pane { display: block; width: 1fr; }
        .-pane-sampling #prompt { display: none; }
        .-pane-sampling #top { height: 9; }
        &.-typing #prompt { display: block; }
        &.-typing #sampling-pane { display: none; }
        &.-typing #top { height: 8; }
        #alert { max-height: 6; }
    }
    &.-narrow { #side { height: 11; } .-pane-sampling #top { height: 12; } }
    &.-narrow.-short { #side { height: 9; } .-pane-sampling #top { height: 9; } }
    &.-short { #side { height: 9; } }

    &.-tiny {
        #side { height: 1fr; }
        #texts { display: none; }
        .-pane-strip #texts { display: block; }
        .-pane-detail #detail-pane { height: 1fr; }
        .-pane-detail #main, .-pane-sampling #main { display: none; }
        .-pane-sampling #top { height: 1fr; }
    }
}
"""
