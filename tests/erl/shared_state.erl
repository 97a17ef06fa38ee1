%% State shared by processes: atomics, counters and persistent terms.
-module(shared_state).
-export([main/0]).
-include("show.hrl").

main() ->
    atomics_(),
    atomics_arguments(atomics:new(3, []), atomics:new(2, [{signed, true}, {signed, false}])),
    counters_(),
    persistent(),
    persistent_keys().

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

%% Limits of values and increments, and which mistake is found first.
atomics_arguments(A, U) ->
    ?TRY(atomics:new(id(-1), [])),
    ?TRY(atomics:new(id(1 bsl 70), [])),
    ?TRY(atomics:new(id(-(1 bsl 70)), [])),
    ?SHOW([failure(fun() -> atomics:new(1, Options) end)
           || Options <- id([[foo], foo, [{signed, foo}], [{signed, true} | x], [{signed, true, x}]])]),
    ?SHOW([failure(fun() -> atomics:get(A, Index) end) || Index <- id([0, 4, a, 1.0, 1 bsl 70])]),
    ?SHOW([failure(fun() -> atomics:get(Reference, 1) end) || Reference <- id([make_ref(), self(), {atomics, A}])]),
    ?SHOW(atomics:put(A, 1, id(-(1 bsl 63)))),
    ?SHOW(atomics:get(A, 1)),
    ?SHOW(atomics:sub_get(A, 1, 1)),
    ?SHOW(atomics:sub(A, 1, id(1 bsl 63))),
    ?SHOW(atomics:add_get(A, 1, id((1 bsl 64) - 1))),
    ?TRY(atomics:add(A, 1, id(1 bsl 64))),
    ?TRY(atomics:add(A, 1, id(-(1 bsl 63) - 1))),
    ?TRY(atomics:sub(A, 1, id((1 bsl 63) + 1))),
    ?TRY(atomics:sub(A, 9, id(1))),
    ?TRY(atomics:sub(id(x), 9, id(y))),
    ?TRY(atomics:sub_get(A, 1, id(1.0))),
    ?SHOW(atomics:put(U, 1, id((1 bsl 64) - 1))),
    ?SHOW(atomics:add_get(U, 1, 2)),
    ?SHOW(atomics:sub_get(U, 1, 2)),
    ?TRY(atomics:put(U, 1, id(1 bsl 64))),
    ?TRY(atomics:exchange(A, 1, id(foo))),
    ?TRY(atomics:compare_exchange(A, 1, id(foo), 1)),
    ?TRY(atomics:compare_exchange(U, 1, id(-1), 1)),
    ?SHOW(atomics:compare_exchange(A, 2, 0, -5)),
    ?SHOW(atomics:compare_exchange(A, 2, 0, -6)),
    ?TRY(atomics:info(id(x))),
    ?SHOW(atomics:add_get(binary_to_term(term_to_binary(A)), 2, 1)).

counters_() ->
    [counters_of(Options) || Options <- [[], [atomics], [write_concurrency]]],
    ?SHOW([failure(fun() -> counters:new(1, Options) end)
           || Options <- id([[foo], foo, [atomics, write_concurrency], [atomics | foo]])]),
    ?SHOW([failure(fun() -> counters:new(Size, [write_concurrency]) end) || Size <- id([0, -1, a, 1.0, 1 bsl 70, -(1 bsl 70)])]),
    {atomics, A} = counters:new(1, []),
    {write_concurrency, W} = counters:new(1, [write_concurrency]),
    ?SHOW([failure(fun() -> counters:get(C, 1) end)
           || C <- id([foo, A, {atomics, foo}, {foo, A}, {atomics, W}, {write_concurrency, A}])]),
    ?TRY(atomics:get(W, 1)).

counters_of(Options) ->
    C = counters:new(2, Options),
    ?SHOW(maps:with([max, min, size], counters:info(C))),
    ?SHOW(counters:add(C, 1, 5)),
    ?SHOW(counters:sub(C, 1, 7)),
    ?SHOW([counters:get(C, I) || I <- [1, 2]]),
    ?SHOW(counters:put(C, 2, id((1 bsl 63) - 1))),
    ?SHOW(counters:add(C, 2, 1)),
    ?SHOW(counters:get(C, 2)),
    ?SHOW(counters:add(C, 2, id((1 bsl 64) - 1))),
    ?SHOW(counters:sub(C, 2, id(-(1 bsl 63)))),
    ?SHOW(counters:get(C, 2)),
    ?SHOW([failure(fun() -> counters:get(C, I) end) || I <- id([0, 3, foo])]),
    ?SHOW([failure(fun() -> counters:put(C, 1, V) end) || V <- id([1 bsl 63, 1 bsl 64, foo, 1.0])]),
    ?SHOW([failure(fun() -> counters:add(C, 1, V) end) || V <- id([1 bsl 64, foo, 1.0, -(1 bsl 63) - 1])]),
    ?SHOW([failure(fun() -> counters:sub(C, 1, V) end) || V <- id([(1 bsl 63) + 1, foo, 1.0])]),
    Self = self(),
    [spawn(fun() -> [counters:add(C, 1, 1) || _ <- lists:seq(1, 500)], Self ! done end) || _ <- lists:seq(1, 4)],
    [receive done -> ok end || _ <- lists:seq(1, 4)],
    ?SHOW(counters:get(C, 1)).

%% What a call fails with, and which function it is said to have failed in.
failure(F) ->
    try F()
    catch Class:Reason:Trace ->
        [{Module, Function, Arguments, Info} | _] = Trace,
        {Class, Reason, Module, Function, length(Arguments), proplists:get_value(error_info, Info)}
    end.

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

persistent_keys() ->
    Before = maps:get(count, persistent_term:info()),
    ?SHOW(lists:sort(maps:keys(persistent_term:info()))),
    Keys = id([1, 1.0, "list", <<"binary">>, {tuple, [with, parts]}, #{a => map}, 1 bsl 80, fun lists:map/2]),
    [persistent_term:put(Key, {value, Key}) || Key <- Keys],
    ?SHOW([persistent_term:get(Key) =:= {value, Key} || Key <- Keys]),
    ?SHOW(maps:get(count, persistent_term:info()) - Before),
    ?SHOW([Key || Key <- Keys, not lists:member({Key, {value, Key}}, persistent_term:get())]),
    %% Equal again, and equal but different.
    ?SHOW(persistent_term:put(1, id({value, 1}))),
    ?SHOW(persistent_term:put(1, id({value, 1.0}))),
    ?SHOW(persistent_term:get(1)),
    ?SHOW(persistent_term:get(1.0)),
    ?SHOW(maps:get(count, persistent_term:info()) - Before),
    ?SHOW([persistent_term:erase(Key) || Key <- Keys]),
    ?SHOW(maps:get(count, persistent_term:info()) - Before),
    %% A long binary and a fun with an environment outlive their maker.
    {_, Monitor} = spawn_monitor(fun() ->
        Environment = lists:seq(1, 50),
        persistent_term:put(long, binary:copy(<<"0123456789">>, 100)),
        persistent_term:put(closure, fun(X) -> X + lists:sum(Environment) end)
    end),
    receive {'DOWN', Monitor, process, _, Reason} -> ?SHOW(Reason) end,
    [erlang:garbage_collect() || _ <- [1, 2]],
    ?SHOW(byte_size(persistent_term:get(long))),
    ?SHOW(binary:part(persistent_term:get(long), 995, 5)),
    ?SHOW((persistent_term:get(closure))(1)),
    Long = persistent_term:get(long),
    ?SHOW([persistent_term:erase(Key) || Key <- [long, closure]]),
    erlang:garbage_collect(),
    ?SHOW(erlang:md5(Long) =:= erlang:md5(binary:copy(<<"0123456789">>, 100))).
