%% safe_fixtable: what is deleted while a table is fixed, and walking over a table that changes.
-module(ets_fixation).
-export([main/0]).
-include("show.hrl").

main() ->
    [inserted_again(Kind) || Kind <- [bag, duplicate_bag]],
    [deleted(K) || K <- [set, ordered_set, bag, duplicate_bag]],
    [walking(K) || K <- [set, bag, duplicate_bag]],
    [chunks(K) || K <- [set, ordered_set, bag]],
    counted(),
    ended(),
    many().

s(L) -> lists:sort(L).

deleted(Kind) ->
    T = ets:new(t, [Kind]),
    [ets:insert(T, {I, I}) || I <- lists:seq(1, 10)],
    ?SHOW({Kind, ets:info(T, fixed), ets:info(T, safe_fixed), ets:safe_fixtable(T, true)}),
    ?SHOW(ets:delete(T, 3)),
    ?SHOW({ets:lookup(T, 3), ets:member(T, 3), ets:info(T, size)}),
    ?TRY(ets:lookup_element(T, 3, 1)),
    ?SHOW(ets:next(T, 3) =/= 3),
    ?SHOW(s(ets:match(T, {'$1', '_'}))),
    ?SHOW(ets:insert(T, {3, back})),
    ?SHOW({ets:lookup(T, 3), ets:info(T, size)}),
    ?SHOW(ets:delete_object(T, {3, back})),
    ?SHOW(ets:insert_new(T, {3, again})),
    ?SHOW(ets:insert_new(T, {3, again})),
    ?SHOW({ets:lookup(T, 3), ets:info(T, size)}),
    ?SHOW(ets:take(T, 4)),
    ?SHOW(ets:take(T, 4)),
    ?SHOW(ets:select_delete(T, [{{'$1', '_'}, [{'>', '$1', 7}], [true]}])),
    ?SHOW({s(ets:tab2list(T)), ets:info(T, size)}),
    ?SHOW(ets:delete_all_objects(T)),
    ?SHOW({ets:tab2list(T), ets:info(T, size), ets:first(T)}),
    ?SHOW(ets:insert(T, {1, new})),
    ?SHOW(ets:safe_fixtable(T, false)),
    ?SHOW({ets:tab2list(T), ets:info(T, size), ets:info(T, fixed)}),
    ?SHOW(ets:first(T)),
    ets:delete(T, 1),
    ?SHOW(ets:tab2list(T)).

%% Whoever walks meets what was there all the time exactly once, whatever comes and goes.
walking(Kind) ->
    T = ets:new(t, [Kind]),
    [ets:insert(T, {I, I}) || I <- lists:seq(1, 500)],
    ets:safe_fixtable(T, true),
    Seen = walk(T, ets:first(T), 1000),
    ets:safe_fixtable(T, false),
    Stay = [I || I <- lists:seq(1, 500), I rem 2 =:= 0],
    ?SHOW({Kind, s([K || K <- Seen, K =< 500, K rem 2 =:= 0]) =:= Stay}),
    ?SHOW(length(Seen) =:= length(lists:usort(Seen))),
    ?SHOW(ets:info(T, size)),
    ?SHOW(lists:all(fun(K) -> ets:member(T, K) end, Stay)),
    [ets:insert(T, {I, I}) || I <- lists:seq(5001, 6000)],
    ?SHOW(lists:all(fun(K) -> ets:member(T, K) end, Stay)),
    ?SHOW(ets:info(T, size)).

walk(_, '$end_of_table', _) -> [];
walk(T, K, New) ->
    %% Odd ones go as they are met, and each step brings new ones.
    K rem 2 =:= 1 andalso K =< 500 andalso ets:delete(T, K),
    New < 4000 andalso ets:insert(T, [{New, x}, {New + 1, x}, {New + 2, x}]),
    [K | walk(T, ets:next(T, K), New + 3)].

chunks(Kind) ->
    T = ets:new(t, [Kind]),
    [ets:insert(T, {I, I}) || I <- lists:seq(1, 300)],
    ets:safe_fixtable(T, true),
    Seen = continue(T, ets:select(T, [{{'$1', '_'}, [], ['$1']}], 7), 1000),
    ets:safe_fixtable(T, false),
    ?SHOW({Kind, s([K || K <- Seen, K =< 300, K rem 2 =:= 0]) =:= lists:seq(2, 300, 2)}),
    ?SHOW(length(Seen) =:= length(lists:usort(Seen))).

continue(_, '$end_of_table', _) -> [];
continue(T, {Keys, C}, New) ->
    [ets:delete(T, K) || K <- Keys, K rem 2 =:= 1],
    New < 3000 andalso [ets:insert(T, {New + I, x}) || I <- lists:seq(0, 19)],
    Keys ++ continue(T, ets:select(C), New + 20).

counted() ->
    T = ets:new(t, [public]),
    ets:safe_fixtable(T, true),
    ets:safe_fixtable(T, true),
    Me = self(),
    {Time, Fixers} = ets:info(T, safe_fixed),
    ?SHOW({tuple_size(Time), Fixers =:= [{Me, 2}]}),
    {Mono, _} = ets:info(T, safe_fixed_monotonic_time),
    ?SHOW(Mono =< erlang:monotonic_time()),
    ets:safe_fixtable(T, false),
    ?SHOW(ets:info(T, fixed)),
    ets:safe_fixtable(T, false),
    ?SHOW(ets:info(T, fixed)),
    ?SHOW(ets:safe_fixtable(T, false)),
    ?TRY(ets:safe_fixtable(T, 'maybe')).

%% A fixation ends with the process that made it.
ended() ->
    T = ets:new(t, [public]),
    ets:insert(T, {1, a}),
    {P, R} = spawn_monitor(fun() -> ets:safe_fixtable(T, true), ets:delete(T, 1), receive go -> ok end end),
    erlang:yield(),
    wait(fun() -> ets:info(T, fixed) end),
    ?SHOW({ets:info(T, fixed), ets:lookup(T, 1)}),
    ets:safe_fixtable(T, true),
    {_, F} = ets:info(T, safe_fixed),
    ?SHOW(s(F) =:= s([{P, 1}, {self(), 1}])),
    P ! go,
    receive {'DOWN', R, _, _, _} -> ok end,
    {_, G} = ets:info(T, safe_fixed),
    ?SHOW(G =:= [{self(), 1}]),
    %% And one of a table that is gone goes with it.
    ?SHOW(ets:delete(T)),
    ?TRY(ets:safe_fixtable(T, false)).

wait(F) ->
    case F() of
        true -> ok;
        _ -> erlang:yield(), wait(F)
    end.

many() ->
    T = ets:new(t, [bag]),
    [ets:insert(T, {I rem 5, I}) || I <- lists:seq(1, 50)],
    ets:safe_fixtable(T, true),
    [ets:delete_object(T, {I rem 5, I}) || I <- lists:seq(1, 50, 2)],
    ?SHOW([length(ets:lookup(T, K)) || K <- lists:seq(0, 4)]),
    ?SHOW(ets:insert(T, {1, 1})),
    ?SHOW(s(ets:lookup_element(T, 1, 2))),
    ?SHOW(ets:info(T, size)),
    ets:safe_fixtable(T, false),
    ?SHOW([s(ets:lookup(T, K)) || K <- lists:seq(0, 4)]),
    ?SHOW(ets:info(T, size)).

%% What is inserted again in a fixed table is the youngest of its key.
inserted_again(Kind) ->
    T = ets:new(t, [Kind]),
    ets:safe_fixtable(T, true),
    [ets:insert(T, {key, N}) || N <- [1, 2, 3]],
    [ets:delete_object(T, {key, N}) || N <- [1, 3]],
    [begin ets:insert(T, {key, N}), ?SHOW(ets:lookup(T, key)) end || N <- [3, 1, 3]],
    ets:safe_fixtable(T, false),
    ?SHOW(ets:lookup(T, key)),
    ets:delete(T).
