"""The style of the tokens screen: what is seen where at each size class."""

STYLE = """
TokensScreen {
    TokensBody { width: 1fr; height: 1fr; }
    .frame { padding: 0 1; }
    #text-pane { height: 5; }
    #main { height: 5fr; min-height: 8; width: 1fr; }
    #alert { height: auto; max-height: 7; }
    #strip-pane, #beside-pane, #vocabulary-pane, #windows-pane, #build-pane { width: 1fr; height: 1fr; }
    #side { height: 6fr; max-height: 12; width: 1fr; }
    #token-pane { width: 42; height: 1fr; }
    #merge-pane { width: 1fr; height: 1fr; }
    #compare-pane { height: 6; width: 1fr; }
    .-hidden { display: none; }
    #find { border: none; height: 1; padding: 0; background: $boost; }

    &.-wide {
        #token-pane { width: 60; }
    }
    &.-wide.-high, &.-normal.-high {
        #text-pane { height: 9; }
        #side { max-height: 30; }
        #compare-pane { height: 7; }
    }
    &.-wide.-high {
        #text-pane { height: 6; }
        #strip-pane, #merge-pane { layout: horizontal; }
        #strip, #merges { width: 1fr; }
        #table { width: 98; border-left: solid $primary 70%; scrollbar-size-vertical: 1; }
        #tree { width: 1fr; border-left: solid $primary 70%; padding: 0 0 0 1; }
        #side { max-height: 20; }
    }

    &.-narrow, &.-short, &.-tiny {
        #main { height: 1fr; min-height: 0; }
        #text-pane { height: 3; }
        #side { height: 9; }
        #token-pane { width: 1fr; }
        #compare-pane { height: 9; }
        #side, #token-pane, #merge-pane, #compare-pane { display: none; }
        .-pane-token #token-pane, .-pane-merge #merge-pane { display: block; }
        #alert { max-height: 6; }
    }
    &.-narrow, &.-short {
        .-pane-token #side, .-pane-merge #side, .-pane-compare #compare-pane { display: block; }
    }

    &.-tiny {
        #side, #compare-pane { height: 1fr; }
        .-on-side #main { display: none; }
        .-on-side.-pane-token #side, .-on-side.-pane-merge #side { display: block; }
        .-on-side.-pane-compare #compare-pane { display: block; }
    }
}
"""
