%% State shared by processes: atomics and persistent terms.
-module(shared_state).
-export([main/0]).
-include("show.hrl").

main() ->
    atomics_(),
    persistent().

atomics_() ->
    A = atomics:new(3, []),
    ?SHOW(atomics:get(A, 1)),
    ?SHOW(atomics:put(A, 1, 5)),
    ?SHOW(atomics:add(A, 1, -7)),
    ?SHOW(atomics:add_get(A, 1, 10)),
    ?SHOW(atomics:exchange(A, 2, 99)),
    ?SHOW([atomics:compare_exchange(A, 2, Expected, 100) || Expected <- [1, 99]]),
    ?SHOW([atomics:get(A, I) || I <- [1, 2, 3]]),
    ?SHOW(atomics:put(A, 3, 16#7FFFFFFFFFFFFFFF)),
    ?SHOW(atomics:add_get(A, 3, 1)),
    U = atomics:new(1, [{signed, false}]),
    ?SHOW(atomics:add_get(U, 1, -1)),
    ?SHOW(maps:with([max, min, size], atomics:info(A))),
    ?SHOW(maps:with([max, min, size], atomics:info(U))),
    ?TRY(atomics:get(A, id(0))),
    ?TRY(atomics:get(A, id(4))),
    ?TRY(atomics:put(A, 1, id(1 bsl 63))),
    ?TRY(atomics:put(U, 1, id(-1))),
    ?TRY(atomics:new(id(0), [])),
    ?TRY(atomics:get(id(x), 1)),
    Self = self(),
    [spawn(fun() -> [atomics:add(A, 1, 1) || _ <- lists:seq(1, 1000)], Self ! done end) || _ <- lists:seq(1, 10)],
    [receive done -> ok end || _ <- lists:seq(1, 10)],
    ?SHOW(atomics:get(A, 1)).

persistent() ->
    ?SHOW(persistent_term:get(id(absent), default)),
    ?TRY(persistent_term:get(id(absent))),
    Value = id({large, lists:seq(1, 100), #{key => <<"value">>}, 1 bsl 100}),
    ?SHOW(persistent_term:put({my, key}, Value)),
    ?SHOW(persistent_term:get({my, key}) =:= Value),
    erlang:garbage_collect(),
    ?SHOW(erlang:phash2(persistent_term:get({my, key})) =:= erlang:phash2(Value)),
    Self = self(),
    spawn(fun() -> Self ! {theirs, persistent_term:get({my, key})} end),
    ?SHOW(receive {theirs, V} -> V =:= Value end),
    ?SHOW(persistent_term:put({my, key}, other)),
    ?SHOW(persistent_term:get({my, key})),
    ?SHOW(persistent_term:erase({my, key})),
    ?SHOW(persistent_term:erase({my, key})),
    ?SHOW(persistent_term:get({my, key}, gone)).
