%% update_counter and update_element.
-module(ets_counters).
-export([main/0]).
-include("show.hrl").

main() ->
    [counters(K) || K <- [set, ordered_set]],
    defaults(),
    [elements(K) || K <- [set, ordered_set]],
    other_keys(),
    large(),
    bags().

counters(Kind) ->
    T = ets:new(t, [Kind]),
    ets:insert(T, {c, 0, 10, x, 1.0}),
    [begin
         ?TRY({Kind, Op, ets:update_counter(T, c, Op)}),
         ?SHOW(ets:lookup(T, c))
     end
     || Op <- [1, -5, 0, {2, 3}, {3, -3}, {2, 1, 5, 0}, {2, 10, 5, 0}, {2, -10, -5, 7}, {2, -1, 5, 7}, {2, 0, -5, 7},
               [{2, 1}, {3, 1}], [{2, 5, 10, 0}, {2, 5, 10, 0}, 1], [], [1, 1, 1],
               {1, 1}, {0, 1}, {-1, 1}, {6, 1}, {4, 1}, {5, 1}, {x, 1}, {2, x}, {2, 1.0}, {2}, {2, 1, 2}, {2, 1, x, 2},
               {2, 1, 2, x}, x, 1.0, [{2, 1}, x], [{2, 1} | x], [{2, 1}, {1, 1}], [{2, 1}, {9, 1}], {2, 1 bsl 70},
               {2, -(1 bsl 70)}, {2, 1, 1 bsl 70, 0}, {2, 1 bsl 70, 1 bsl 69, 3}, (1 bsl 59) - 1, 1, -(1 bsl 59)]],
    ?TRY(ets:update_counter(T, d, 1)),
    ?TRY(ets:update_counter(T, d, [])),
    ?TRY(ets:update_counter(T, d, x)),
    ?TRY(ets:update_counter(nothing, d, 1)).

defaults() ->
    T = ets:new(t, []),
    ?TRY(ets:update_counter(T, a, 1, {x, 5})),
    ?TRY(ets:update_counter(T, a, 1, {x, 5})),
    ?TRY(ets:update_counter(T, b, {3, 2}, {b, x, 1, more})),
    ?TRY(ets:update_counter(T, c, [], {x, 3})),
    ?TRY(ets:update_counter(T, d, [{2, 1}, {2, 1}], {x, 3})),
    ?TRY(ets:update_counter(T, e, {3, 1}, {x, 3})),
    ?TRY(ets:update_counter(T, f, 1, {x, y})),
    ?TRY(ets:update_counter(T, g, 1, x)),
    ?TRY(ets:update_counter(T, h, {x, 1}, {x, 3})),
    ?TRY(ets:update_counter(T, i, {2, 1}, {x, 1 bsl 80})),
    ?TRY(ets:update_counter(T, {j, "k"}, {2, 1}, {x, 1, [lists:seq(1, 5)]})),
    ?TRY(ets:update_counter(T, a, 1, [])),
    ?SHOW(lists:sort(ets:tab2list(T))).

elements(Kind) ->
    T = ets:new(t, [Kind]),
    ets:insert(T, {k, 1, 2, 3}),
    [begin
         ?TRY({Kind, E, ets:update_element(T, k, E)}),
         ?SHOW(ets:lookup(T, k))
     end
     || E <- [{2, x}, {3, "list"}, {3, y}, [{2, a}, {3, b}, {4, c}], [{2, 1}, {2, 2}], [], {4, {deep, [1.5, 1 bsl 80]}},
              {4, binary:copy(<<1>>, 200)}, {1, k}, {0, x}, {5, x}, {-1, x}, {x, y}, x, {2, 3, 4}, [{2, 9}, {5, 9}],
              [{2, 9} | x], [{2, 9}, x], {1 bsl 70, x}, {2, self_}]],
    ?TRY(ets:update_element(T, l, {2, x})),
    ?TRY(ets:update_element(T, l, {1, x})),
    ?TRY(ets:update_element(T, l, [])),
    ?TRY(ets:update_element(T, l, x)),
    ?SHOW(ets:info(T, size)).

%% An ordered set finds the object by ==; its key stays what it is.
other_keys() ->
    T = ets:new(t, [ordered_set]),
    ets:insert(T, {1.0, 5}),
    ?SHOW(ets:update_counter(T, 1, 1)),
    ?SHOW(ets:update_element(T, 1, {2, new})),
    ?SHOW(ets:tab2list(T)),
    ?SHOW(ets:update_counter(T, 2, 1, {2.0, 0})),
    ?SHOW(ets:tab2list(T)),
    K = ets:new(t, [{keypos, 2}]),
    ets:insert(K, {1, k, 5}),
    ?SHOW(ets:update_counter(K, k, 1)),
    ?SHOW(ets:update_counter(K, k, {1, 10})),
    ?TRY(ets:update_counter(K, k, {2, 10})),
    ?SHOW(ets:update_element(K, k, {1, x})),
    ?TRY(ets:update_element(K, k, {2, x})),
    ?SHOW(ets:tab2list(K)),
    ?TRY(ets:update_counter(K, z, 1, {1, 2, 3})),
    ?SHOW(lists:sort(ets:tab2list(K))).

large() ->
    T = ets:new(t, []),
    ets:insert(T, {c, 0}),
    ?SHOW(count(T, 10000)),
    ?SHOW(ets:lookup(T, c)),
    ets:insert(T, {big, 1}),
    [ets:update_counter(T, big, {2, 1 bsl I}) || I <- lists:seq(1, 200)],
    ?SHOW(ets:lookup_element(T, big, 2) =:= (1 bsl 201) - 1),
    [ets:update_counter(T, big, {2, -(1 bsl I)}) || I <- lists:seq(1, 200)],
    ?SHOW(ets:lookup(T, big)).

count(_, 0) -> done;
count(T, N) -> ets:update_counter(T, c, 1), count(T, N - 1).

bags() ->
    [begin
         T = ets:new(t, [K]),
         ets:insert(T, {a, 1}),
         ?TRY(ets:update_counter(T, a, 1)),
         ?TRY(ets:update_counter(T, a, 1, {x, 1})),
         ?TRY(ets:update_element(T, a, {2, 1}))
     end || K <- [bag, duplicate_bag]],
    ok.
