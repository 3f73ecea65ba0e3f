"""The style of the training screen and of its form: what is seen where at each size class."""

STYLE = """
TrainingScreen {
    TrainingBody { width: 1fr; height: 1fr; }
    #runs-pane { width: 28; height: 1fr; }
    #right { width: 1fr; height: 1fr; }
    #refused, #alert { height: auto; max-height: 9; }
    #top { height: 1fr; min-height: 8; }
    #plot-pane { width: 1fr; height: 1fr; }
    #numbers-pane { width: 30; height: 1fr; }
    #trends { height: auto; }
    .trend { border-top: solid $primary 70%; border-title-color: $text; height: 2; }
    #numbers { height: 1fr; border-top: solid $primary 70%; scrollbar-size-vertical: 1; }
    #texts { height: 8; }
    #samples, #log { width: 1fr; height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    #time-pane { height: 3; padding: 0 1; }

    .-text-samples #log { display: none; }
    .-text-log #samples { display: none; }

    &.-wide {
        #runs-pane { width: 34; }
        #numbers-pane { width: 40; }
        #texts { height: 12; }
        .-text-samples #log, .-text-log #samples { display: block; }
    }
    &.-wide.-high, &.-normal.-high { #texts { height: 18; } }

    &.-narrow, &.-short, &.-tiny {
        #runs-pane { dock: bottom; width: 1fr; height: 9; }
        #top { layout: vertical; }
        #numbers-pane { width: 1fr; height: 9; layout: horizontal; }
        #trends { width: 1fr; }
        #numbers { width: 1fr; border-top: none; border-left: solid $primary 70%; padding: 0 0 0 1; }
        #texts { height: 9; }
        #runs-pane, #numbers-pane, #texts, #time-pane { display: none; }
        .-pane-runs #runs-pane, .-pane-numbers #numbers-pane, .-pane-time #time-pane { display: block; }
        .-pane-samples #texts, .-pane-log #texts { display: block; }
        #alert, #refused { max-height: 6; }
    }

    &.-tiny {
        #runs-pane, .-pane-numbers #numbers-pane, .-pane-samples #texts, .-pane-log #texts { height: 1fr; }
        #plot-pane { display: none; }
        .-pane-plot #plot-pane { display: block; }
        #top { min-height: 0; }
    }
}
"""

FORM_STYLE = """
NewRunForm {
    #box { width: 99%; max-width: 170; height: 95%; max-height: 56; }
    #form-body { height: 1fr; }
    #form-left { width: 38; height: 1fr; }
    #presets { height: 1fr; padding: 0; }
    #estimate { height: 10; padding: 0 1; }
    #fields { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    .group { text-style: bold; color: $text-accent; }
    .field, .field Horizontal { height: auto; }
    .field .name { width: 20; color: $text-muted; }
    .field Input { width: 17; background: $boost; }
    .field Input:focus { background: $primary-muted; }
    .field .meaning {
        width: 1fr; height: 1; padding: 0 0 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis;
    }
    .field .reason { padding: 0 0 0 20; color: $text-warning; display: none; }
    #meaning { height: 2; padding: 0 1; }
    #form-buttons { height: 1; }
    #form-buttons Button { margin: 0 2 0 0; min-width: 11; }
    #form-keys { color: $text-muted; }
    &.-small {
        #box { border: none; padding: 0; width: 100%; height: 100%; }
        #form-left { width: 30; }
        #estimate { height: 8; }
        #meaning { height: 1; }
        .field .name { width: 17; }
        .field Input { width: 14; }
        .field .reason { padding: 0 0 0 2; }
    }
}
"""
