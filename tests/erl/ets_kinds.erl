%% Tables of all kinds: inserting, looking up, deleting, and what their kind makes of keys and duplicates.
-module(ets_kinds).
-export([main/0]).
-include("show.hrl").

main() ->
    [kind(Kind) || Kind <- [set, ordered_set, bag, duplicate_bag]],
    keys(),
    positions(),
    values(),
    growth(),
    ordered(),
    new_objects(),
    lists_of_objects().

%% Results of hashed tables come in any order.
sorted(List) -> lists:sort(List).

kind(Kind) ->
    T = ets:new(t, [Kind]),
    ?SHOW({Kind, ets:info(T, type), ets:info(T, size)}),
    ?SHOW(ets:insert(T, {1, a})),
    ?SHOW(ets:insert(T, {1, b})),
    ?SHOW(ets:insert(T, {1, a})),
    ?SHOW(ets:insert(T, [{2, x}, {3, y}, {2, z}])),
    ?SHOW(ets:lookup(T, 1)),
    ?SHOW(ets:lookup(T, 2)),
    ?SHOW(ets:lookup(T, 4)),
    ?SHOW(sorted(ets:tab2list(T))),
    ?SHOW(ets:info(T, size)),
    ?SHOW([ets:member(T, K) || K <- [1, 2, 1.0, 4]]),
    ?SHOW(ets:lookup_element(T, 2, 2)),
    ?SHOW(ets:delete_object(T, {1, b})),
    ?SHOW(ets:lookup(T, 1)),
    ?SHOW(ets:take(T, 2)),
    ?SHOW(ets:take(T, 2)),
    ?SHOW(ets:delete(T, 3)),
    ?SHOW(ets:delete(T, 3)),
    ?SHOW(sorted(ets:tab2list(T))),
    ?SHOW(ets:delete_all_objects(T)),
    ?SHOW({ets:tab2list(T), ets:info(T, size), ets:first(T), ets:last(T)}),
    ?SHOW(ets:delete(T)),
    ?SHOW(ets:info(T)),
    ok.

%% Keys are equal as by =:=, in ordered sets as by ==.
keys() ->
    Keys = [1, 1.0, -0.0, 0, 1 bsl 70, a, 'ä', "", [], [1 | 2], {}, {1}, {1.0}, #{}, #{a => 1},
            <<>>, <<1:3>>, <<"abc">>, binary:copy(<<7>>, 100), fun erlang:abs/1,
            self(), "abc", {[{1, #{x => [y]}}]}],
    [begin
         T = ets:new(t, [Kind]),
         [ets:insert(T, {K, N}) || {K, N} <- lists:zip(Keys, lists:seq(1, length(Keys)))],
         ?SHOW({Kind, [[N || {_, N} <- ets:lookup(T, K)] || K <- Keys]}),
         ?SHOW({Kind, ets:info(T, size)}),
         [true = ets:delete(T, K) || K <- Keys],
         ?SHOW(ets:info(T, size))
     end || Kind <- [set, ordered_set, bag, duplicate_bag]],
    ok.

positions() ->
    T = ets:new(t, [{keypos, 3}]),
    ?SHOW(ets:insert(T, {a, b, k, v})),
    ?TRY(ets:insert(T, {a, b})),
    ?TRY(ets:insert(T, [{a, b, c}, {a, b}])),
    ?SHOW(ets:lookup(T, k)),
    ?SHOW(ets:lookup(T, c)),
    ?SHOW(ets:lookup_element(T, k, 1)),
    ?SHOW(ets:lookup_element(T, k, 4)),
    ?SHOW(ets:match(T, {'$1', '$2', k, '_'})),
    ?SHOW(ets:first(T)),
    O = ets:new(o, [ordered_set, {keypos, 2}]),
    ?SHOW(ets:insert(O, [{b, 1}, {a, 2}, {c, 0, more}])),
    ?SHOW(ets:tab2list(O)),
    ?SHOW(ets:next(O, 0)).

%% What is stored comes out as it went in, whatever it is, and whatever becomes of the original.
values() ->
    T = ets:new(t, []),
    Big = binary:copy(<<"0123456789">>, 50),
    Part = binary:part(Big, 5, 300),
    Small = binary:part(<<"abcdefgh">>, 2, 3),
    F = fun(X) -> {X, Big, T} end,
    Values = [1.5, -1.5, 1 bsl 100, -(1 bsl 100), Big, Part, Small, <<Small/binary, 3:3>>, F,
              fun lists:map/2, make_ref(), self(), #{a => Big, {1} => [2.0]},
              maps:from_list([{I, integer_to_list(I)} || I <- lists:seq(1, 100)]),
              lists:seq(1, 50), "text", {{{{}}}}, [[[[]]]], [a | b]],
    [ets:insert(T, {I, V}) || {I, V} <- lists:zip(lists:seq(1, length(Values)), Values)],
    garbage_collect(),
    ?SHOW([ets:lookup_element(T, I, 2) =:= V
           || {I, V} <- lists:zip(lists:seq(1, length(Values)), Values)]),
    ?SHOW((ets:lookup_element(T, 9, 2))(7) =:= {7, Big, T}),
    [ets:insert(T, {I, [V, V]}) || {I, V} <- lists:zip(lists:seq(1, length(Values)), Values)],
    ?SHOW([ets:lookup(T, I) =:= [{I, [V, V]}]
           || {I, V} <- lists:zip(lists:seq(1, length(Values)), Values)]),
    ets:delete(T),
    garbage_collect(),
    ?SHOW(byte_size(Part)).

growth() ->
    [begin
         T = ets:new(t, [Kind]),
         N = 3000,
         [ets:insert(T, {I, I * I}) || I <- lists:seq(1, N)],
         ?SHOW({Kind, ets:info(T, size)}),
         ?SHOW(lists:all(fun(I) -> ets:lookup(T, I) =:= [{I, I * I}] end, lists:seq(1, N))),
         [ets:delete(T, I) || I <- lists:seq(1, N), I rem 3 =/= 0],
         ?SHOW(ets:info(T, size)),
         ?SHOW(sorted(ets:select(T, [{{'$1', '_'}, [], ['$1']}]))
               =:= lists:seq(3, N, 3)),
         ?SHOW(length(walk(T, ets:first(T)))),
         ets:delete(T)
     end || Kind <- [set, ordered_set, bag, duplicate_bag]],
    ok.

walk(_, '$end_of_table') -> [];
walk(T, K) -> [K | walk(T, ets:next(T, K))].

ordered() ->
    T = ets:new(t, [ordered_set]),
    Keys = [5, 3.5, a, {1, 2}, [x], <<"b">>, 1, 1 bsl 80, -7, {0}, "", #{}],
    [ets:insert(T, {K}) || K <- Keys],
    ?SHOW(ets:tab2list(T)),
    ?SHOW(walk(T, ets:first(T)) =:= lists:sort(Keys)),
    ?SHOW({ets:first(T), ets:last(T)}),
    ?SHOW([ets:next(T, K) || K <- [-100, -7, 0, 2, 3.5, 4, a, b, <<"b">>, <<"z">>]]),
    ?SHOW([ets:prev(T, K) || K <- [-100, -7, 0, 2, 3.5, 4, a, b, <<"b">>, <<"z">>]]),
    ?SHOW([ets:slot(T, I) || I <- lists:seq(0, 12)]),
    ?TRY(ets:slot(T, 13)),
    ?SHOW(ets:insert(T, {1.0, replaced})),
    ?SHOW(ets:lookup(T, 1)),
    ?SHOW(ets:member(T, 5.0)),
    ?SHOW(ets:delete(T, 5.0)),
    ?SHOW(ets:tab2list(T)).

new_objects() ->
    [begin
         T = ets:new(t, [Kind]),
         ?SHOW({Kind, ets:insert_new(T, {1, a})}),
         ?SHOW(ets:insert_new(T, {1, b})),
         ?SHOW(ets:insert_new(T, [{2, a}, {1, c}])),
         ?SHOW(ets:lookup(T, 2)),
         ?SHOW(ets:insert_new(T, [{2, a}, {2, b}, {3, c}])),
         ?SHOW(ets:lookup(T, 2)),
         ?SHOW(ets:insert_new(T, [])),
         ?SHOW(sorted(ets:tab2list(T)))
     end || Kind <- [set, ordered_set, bag, duplicate_bag]],
    ok.

lists_of_objects() ->
    [begin
         T = ets:new(t, [Kind]),
         ?SHOW(ets:insert(T, [{3, x}, {3, y}, {3, z}])),
         ?SHOW({Kind, ets:lookup(T, 3)}),
         ?SHOW(ets:insert(T, [])),
         ?SHOW(ets:lookup_element(T, 3, 2))
     end || Kind <- [set, ordered_set, bag, duplicate_bag]],
    ok.
