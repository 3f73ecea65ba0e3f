"""The style of the weights screen: what is seen where at each size class."""

STYLE = """
WeightsScreen {
    WeightsBody { width: 1fr; height: 1fr; }
    #w-alert { height: auto; max-height: 9; }
    #w-tensors, #w-sizes, #w-compare, #w-twin { width: 1fr; height: 1fr; display: none; }
    .-page-tensors #w-tensors, .-page-sizes #w-sizes, .-page-compare #w-compare { display: block; }
    .-page-twin #w-twin { display: block; }
    #w-left { width: 55%; max-width: 66; height: 1fr; }
    #w-right { width: 1fr; height: 1fr; }
    #w-filter { display: none; height: 1; border: none; padding: 0; background: $boost; }
    #w-filter.-shown { display: block; }
    #w-head { height: 1; color: $text-muted; text-style: bold; }
    #w-detail { height: 10; text-wrap: nowrap; text-overflow: ellipsis; }
    #w-values { height: 1fr; overflow-y: auto; }
    #w-histogram, #w-map, #w-rows { display: none; }
    .-view-histogram #w-histogram, .-view-map #w-map, .-view-rows #w-rows { display: block; }
    #w-values.-missing > .pane { display: none; }
    #w-published { height: 6; display: none; }
    .-page-tensors #w-published { display: block; }
    #w-tree, #w-size-table, #w-change-list { scrollbar-size-vertical: 1; scrollbar-gutter: stable; }

    #w-size-box { height: 1fr; }
    #w-size-names { height: 1; }
    #w-size-said { height: 5; }
    #w-twin-said { height: 6; }
    #w-twin-box { width: 1fr; height: 1fr; }
    #w-twin-head { height: 1; }
    #w-twin-list { width: 1fr; height: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    #w-change-map { height: 1fr; }
    #w-change-list { width: 1fr; height: 1fr; }

    &.-wide {
        #w-left { width: 84; max-width: 84; }
    }

    &.-narrow, &.-short, &.-tiny {
        #w-tensors { layout: vertical; }
        #w-left { width: 1fr; max-width: 100%; height: 1fr; min-height: 6; }
        #w-right { height: 10; width: 1fr; }
        #w-detail { height: 1fr; display: none; }
        #w-values { display: none; }
        .-page-tensors #w-published { display: none; }
        .-below-detail #w-detail { display: block; }
        .-below-view #w-values { display: block; }
        .-below-view #w-right { height: 12; }
        .-below-published.-page-tensors #w-published { display: block; }
        .-below-published #w-right { display: none; }
        .-below-view.-page-tensors #w-detail { display: none; }
        #w-alert { max-height: 6; }
        #w-size-said { height: 4; }
    }

    &.-tiny {
        .-below-detail #w-right { height: 7; }
        .-below-view #w-left { display: none; }
        .-below-view #w-right { height: 1fr; }
    }
}
"""
