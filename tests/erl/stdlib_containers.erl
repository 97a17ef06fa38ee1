%% OTP's own containers: maps, orddict, dict, gb_trees, sets, queue, array, proplists.
-module(stdlib_containers).
-export([main/0]).
-include("show.hrl").

main() ->
    Pairs = [{K rem 50, K} || K <- lists:seq(1, 200)],
    maps_(Pairs), orddict_(Pairs), dict_(Pairs), trees(Pairs), sets_(), queues(), arrays(), proplists_(), rand_().

maps_(Pairs) ->
    M = maps:from_list(Pairs),
    ?SHOW(maps:fold(fun(K, V, A) -> K * V + A end, 0, M)),
    ?SHOW(lists:sort(maps:to_list(maps:map(fun(K, V) -> K + V end, maps:with([1, 2, 3], M))))),
    ?SHOW(lists:sort(maps:keys(maps:without(lists:seq(5, 49), M)))),
    ?SHOW(maps:update_with(1, fun(V) -> -V end, maps:with([1], M))),
    ?SHOW(maps:filtermap(fun(K, V) when K < 2 -> {true, V}; (_, _) -> false end, M)),
    ?SHOW(maps:groups_from_list(fun(X) -> X rem 3 end, lists:seq(1, 9))),
    ?SHOW(maps:intersect(#{a => 1, b => 2}, #{b => 3, c => 4})),
    ?SHOW(maps:merge_with(fun(_, A, B) -> A + B end, #{a => 1, b => 2}, #{b => 3})),
    ?TRY(maps:fold(fun(_, _, _) -> ok end, 0, id(not_a_map))).

orddict_(Pairs) ->
    D = orddict:from_list(Pairs),
    ?SHOW(orddict:fetch(7, D)),
    ?SHOW(orddict:size(D)),
    ?SHOW(orddict:append(k, 2, orddict:store(k, [1], []))),
    ?SHOW(orddict:fold(fun(_, V, A) -> V + A end, 0, D)),
    ?TRY(orddict:fetch(missing, D)).

dict_(Pairs) ->
    D = lists:foldl(fun({K, V}, Acc) -> dict:append(K, V, Acc) end, dict:new(), Pairs),
    ?SHOW({dict:size(D), dict:fetch(3, D), dict:is_key(99, D)}),
    ?SHOW(lists:sort(dict:to_list(dict:filter(fun(K, _) -> K < 2 end, D)))),
    ?SHOW(dict:find(missing, dict:erase(3, D))).

trees(Pairs) ->
    T = lists:foldl(fun({K, V}, Acc) -> gb_trees:enter(K, V, Acc) end, gb_trees:empty(), Pairs),
    ?SHOW({gb_trees:size(T), gb_trees:lookup(9, T), gb_trees:lookup(99, T), gb_trees:smallest(T), gb_trees:largest(T)}),
    ?SHOW(lists:sum(gb_trees:values(gb_trees:balance(gb_trees:delete(9, T))))),
    ?SHOW(gb_sets:to_list(gb_sets:intersection(gb_sets:from_list([1, 2, 3]), gb_sets:from_list([2, 3, 4])))).

sets_() ->
    A = sets:from_list(lists:seq(1, 100)),
    B = sets:from_list(lists:seq(50, 150)),
    ?SHOW({sets:size(sets:union(A, B)), lists:sum(sets:to_list(sets:intersection(A, B))), sets:size(sets:subtract(A, B))}),
    C = sets:from_list([a, b], [{version, 2}]),
    ?SHOW({sets:is_element(a, C), sets:is_subset(C, C), lists:sort(sets:to_list(C))}),
    ?SHOW(ordsets:union([a, c], [b, c])).

queues() ->
    Q = lists:foldl(fun queue:in/2, queue:new(), lists:seq(1, 10)),
    {{value, First}, Q2} = queue:out(Q),
    ?SHOW({First, queue:len(Q2), queue:peek(Q2), queue:to_list(queue:reverse(Q2))}),
    ?SHOW(queue:out(queue:new())),
    ?SHOW(queue:to_list(queue:filter(fun(X) -> X > 5 end, queue:in_r(99, Q2)))).

arrays() ->
    A = array:set(1000, end_of_it, array:set(5, five, array:new({default, none}))),
    ?SHOW({array:size(A), array:get(5, A), array:get(6, A), array:sparse_to_orddict(A)}),
    ?SHOW(array:foldl(fun(_, V, Acc) -> V + Acc end, 0, array:from_list(lists:seq(1, 500)))).

proplists_() ->
    P = id([{a, 1}, b, {c, 3}, {a, 2}, {list, [x, y]}]),
    ?SHOW({proplists:get_value(a, P), proplists:get_value(b, P), proplists:get_value(z, P, none), proplists:get_all_values(a, P)}),
    ?SHOW({proplists:get_bool(b, P), proplists:is_defined(z, P), proplists:delete(a, P), proplists:unfold(P)}).

%% A seeded generator has one sequence on every machine.
rand_() ->
    S0 = rand:seed_s(exsss, {1, 2, 3}),
    {X1, S1} = rand:uniform_s(1000000, S0),
    {X2, S2} = rand:uniform_s(S1),
    {X3, _} = rand:normal_s(S2),
    ?SHOW({X1, float_to_list(X2, [{decimals, 12}]), float_to_list(X3, [{decimals, 9}])}).
