%% Trace patterns: which functions are traced, what trace_info tells of them, counters, and what is wrong.
-module(tracing_patterns).
-export([main/0, one/1, two/2]).
-include("show.hrl").
-include("traced.hrl").

one(X) -> two(X, 1).
two(X, Y) -> X + Y.
three() -> one(2).

pattern(Function, Specification, Options) ->
    erlang:trace_pattern({?MODULE, Function, '_'}, Specification, Options).

all(Function, Arity) ->
    {all, Items} = erlang:trace_info({?MODULE, Function, Arity}, all),
    plain(Items, none).

main() ->
    [?TRY(erlang:trace_info(id(What), id(Item))) || What <- [{lists, no_such_function, 9}, {lists, '_', 2}], Item <- [1, []]],
    information(),
    replacing(),
    counting(),
    measuring(),
    coming(),
    wrong().

information() ->
    ?SHOW(erlang:trace_info({?MODULE, one, 1}, all)),
    ?SHOW(erlang:trace_info({?MODULE, nothing, 1}, all)),
    ?SHOW(erlang:trace_info({?MODULE, nothing, 1}, traced)),
    ?SHOW(erlang:trace_info({nothing, nothing, 1}, traced)),
    ?SHOW(erlang:trace_info({?MODULE, three, 0}, traced)),
    ?SHOW(erlang:trace_info({erlang, self, 0}, traced)),
    ?SHOW(pattern(one, [{'_', [], [{return_trace}]}], [])),
    ?SHOW(all(one, 1)),
    ?SHOW(pattern(three, true, [])),
    ?SHOW(pattern(three, true, [local, meta, call_count])),
    ?SHOW(all(three, 0)),
    ?SHOW(pattern('_', false, [local, meta, call_count])),
    ?SHOW(erlang:trace_info({?MODULE, three, 0}, all)),
    ?SHOW(erlang:trace_info({?MODULE, one, 1}, traced)),
    ?SHOW(pattern('_', false, [])).

replacing() ->
    ?SHOW(pattern(one, true, [local, call_count])),
    ?SHOW(pattern(one, true, [global])),
    ?SHOW(all(one, 1)),
    ?SHOW(pattern(one, true, [meta])),
    ?SHOW(all(one, 1)),
    ?SHOW(pattern(one, false, [meta])),
    ?SHOW(erlang:trace_info({?MODULE, one, 1}, all)).

counting() ->
    ?SHOW(pattern(one, true, [call_count])),
    ?SHOW(pattern(two, true, [call_count])),
    three(), three(), two(1, 2), ?MODULE:two(3, 4),
    ?SHOW(erlang:trace_info({?MODULE, one, 1}, call_count)),
    ?SHOW(erlang:trace_info({?MODULE, two, 2}, call_count)),
    ?SHOW(pattern(two, pause, [call_count])),
    three(),
    ?SHOW(erlang:trace_info({?MODULE, two, 2}, call_count)),
    ?SHOW(pattern(two, restart, [call_count])),
    ?SHOW(erlang:trace_info({?MODULE, two, 2}, call_count)),
    three(),
    ?SHOW(erlang:trace_info({?MODULE, two, 2}, call_count)),
    ?SHOW(pattern(three, restart, [call_count])),
    ?SHOW(erlang:trace_info({?MODULE, three, 0}, call_count)),
    ?SHOW(pattern('_', false, [call_count])),
    ?SHOW(erlang:trace_info({?MODULE, two, 2}, call_count)).

measuring() ->
    Pid = spawn(fun served/0),
    erlang:trace(Pid, true, [call]),
    ?SHOW(pattern('_', true, [call_time]) > 3),
    do(Pid, fun() -> {three(), one(1), catch two(a, b)} end),
    ?SHOW([times(Pid, F, A) || {F, A} <- [{one, 1}, {two, 2}, {three, 0}, {main, 0}]]),
    pattern('_', restart, [call_time]),
    ?SHOW([times(Pid, F, A) || {F, A} <- [{one, 1}, {two, 2}, {three, 0}, {main, 0}]]),
    pattern('_', false, [call_time]),
    ?SHOW(erlang:trace_info({?MODULE, one, 1}, call_time)),
    Pid ! stop.

times(Pid, Function, Arity) ->
    {call_time, Times} = erlang:trace_info({?MODULE, Function, Arity}, call_time),
    [{P =:= Pid, Calls, is_integer(Seconds), Microseconds < 1000000} || {P, Calls, Seconds, Microseconds} <- Times].

coming() ->
    ?SHOW(erlang:trace_info(on_load, all)),
    ?SHOW(erlang:trace_pattern(on_load, true, [])),
    ?SHOW(erlang:trace_info(on_load, traced)),
    ?SHOW(erlang:trace_pattern(on_load, [{'_', [], []}], [local, call_count])),
    ?SHOW([erlang:trace_info(on_load, I) || I <- [traced, match_spec, meta, meta_match_spec, call_count, call_time]]),
    ?SHOW(erlang:trace_pattern(on_load, false, [local])),
    ?SHOW([erlang:trace_info(on_load, I) || I <- [traced, match_spec, call_count]]),
    ?SHOW(erlang:trace_pattern(on_load, false, [call_count])),
    ?SHOW(erlang:trace_info(on_load, traced)),
    ?SHOW(erlang:trace(new, true, [send, set_on_spawn, silent])),
    ?SHOW(erlang:trace_info(new, flags)),
    ?SHOW(erlang:trace_info(new_ports, flags)),
    ?SHOW(plain(erlang:trace_info(new_processes, tracer), none)),
    ?SHOW(erlang:trace(new, false, [all])),
    ?SHOW(erlang:trace_info(new, tracer)).

wrong() ->
    ?TRY(erlang:trace_pattern({?MODULE, '_', 1}, true, [])),
    ?TRY(erlang:trace_pattern({'_', one, 1}, true, [])),
    ?TRY(erlang:trace_pattern({?MODULE, one, x}, true, [])),
    ?TRY(erlang:trace_pattern({?MODULE, one}, true, [])),
    ?TRY(erlang:trace_pattern(nonsense, true, [])),
    ?TRY(erlang:trace_pattern({?MODULE, one, 1}, true, [nonsense])),
    ?TRY(erlang:trace_pattern({?MODULE, one, 1}, true, [global, local])),
    ?TRY(erlang:trace_pattern({?MODULE, one, 1}, true, [local, global])),
    ?TRY(erlang:trace_pattern({?MODULE, one, 1}, [{'_', [], []}], [call_count])),
    ?TRY(erlang:trace_pattern({?MODULE, one, 1}, true, local)),
    ?TRY(erlang:trace_pattern({?MODULE, one, -1}, true, [])),
    ?TRY(erlang:trace_pattern({?MODULE, one, 17}, true, [])),
    ?TRY(erlang:trace_info(self(), nonsense)),
    ?TRY(erlang:trace_info(nonsense, flags)),
    ?TRY(erlang:trace_info({?MODULE, one, 1}, nonsense)),
    ?TRY(erlang:trace_info({?MODULE, one}, traced)),
    ?TRY(erlang:trace_delivered(nonsense)).
