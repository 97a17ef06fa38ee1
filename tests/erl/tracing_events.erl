%% Tracing of processes: messages, beginnings, ends, links, names, and what is passed on to other processes.
-module(tracing_events).
-export([main/0, child/1]).
-include("show.hrl").
-include("traced.hrl").

child(Reason) -> exit(Reason).

main() ->
    process_flag(trap_exit, true),
    messages(),
    message_patterns(),
    beginnings(),
    links(),
    inheritance(),
    ended_tracer(),
    times().

messages() ->
    Pid = spawn(fun served/0),
    Me = self(),
    ?SHOW(erlang:trace(Pid, true, [send, 'receive'])),
    do(Pid, fun() -> Me ! one, self() ! two, receive two -> ok end end),
    receive one -> ok end,
    do(Pid, fun() -> receive never -> ok after 0 -> ok end end),
    do(Pid, fun() -> catch nobody ! message end),
    do(Pid, fun() -> erlang:send(Me, three), receive after 1 -> ok end end),
    receive three -> ok end,
    Dead = spawn(fun() -> ok end),
    gone(Dead),
    do(Pid, fun() -> Dead ! late end),
    do(Pid, fun() -> erlang:send_after(1, self(), timer), receive timer -> ok end end),
    do(Pid, fun() -> monitor(process, Dead), receive {'DOWN', _, _, _, R} -> R end end),
    ?SHOW(traces(Pid)),
    ?SHOW(erlang:trace(Pid, false, [send])),
    Pid ! stop,
    gone(Pid),
    ?SHOW(traces(Pid)).

gone(Pid) ->
    Monitor = monitor(process, Pid),
    receive {'DOWN', Monitor, _, _, _} -> ok end.

message_patterns() ->
    Pid = spawn(fun served/0),
    Me = self(),
    erlang:trace(Pid, true, [send, 'receive']),
    ?SHOW(erlang:trace_pattern(send, [{['_', {done, '$1'}], [{is_integer, '$1'}], [{message, {{number, '$1'}}}]}], [])),
    ?SHOW(erlang:trace_pattern('receive', [{['_', Me, '_'], [], [{message, mine}]}], [])),
    do(Pid, fun() -> 1 end),
    do(Pid, fun() -> two end),
    ?SHOW(traces(Pid)),
    ?SHOW(erlang:trace_pattern('receive', false, [])),
    ?SHOW(erlang:trace_pattern(send, false, [])),
    do(Pid, fun() -> 3 end),
    ?SHOW(traces(Pid)),
    ?TRY(erlang:trace_info(send, match_spec)),
    ?TRY(erlang:trace_pattern('receive', [{'_', [], [{return_trace}]}], [])),
    ?TRY(erlang:trace_pattern(send, true, [local])),
    erlang:trace_pattern('receive', true, []),
    erlang:trace_pattern(send, true, []),
    ?TRY(erlang:trace_info(send, match_spec)),
    Pid ! stop,
    gone(Pid),
    traces(Pid).

beginnings() ->
    Pid = spawn(fun served/0),
    erlang:trace(Pid, true, [procs]),
    do(Pid, fun() -> spawn(?MODULE, child, [normal]) end),
    do(Pid, fun() -> gone(spawn(?MODULE, child, [oops])) end),
    do(Pid, fun() -> register(a_name, self()), unregister(a_name) end),
    do(Pid, fun() -> register(a_name, self()) end),
    Pid ! stop,
    gone(Pid),
    ?SHOW(traces(Pid)),
    ?SHOW(erlang:trace(new, true, [procs])),
    New = spawn(?MODULE, child, [normal]),
    gone(New),
    ?SHOW(erlang:trace(new, false, [procs])),
    ?SHOW(traces(New)).

links() ->
    Pid = spawn(fun served/0),
    Other = spawn(fun served/0),
    erlang:trace(Pid, true, [procs]),
    do(Pid, fun() -> link(Other) end),
    do(Pid, fun() -> link(Other) end),
    do(Pid, fun() -> unlink(Other) end),
    do(Pid, fun() -> unlink(Other) end),
    do(Other, fun() -> link(Pid) end),
    do(Other, fun() -> unlink(Pid) end),
    do(Pid, fun() -> process_flag(trap_exit, true), link(Other) end),
    exit(Other, kill),
    gone(Other),
    do(Pid, fun() -> receive {'EXIT', _, Reason} -> Reason end end),
    do(Pid, fun() -> spawn_link(?MODULE, child, [normal]), receive {'EXIT', _, Reason} -> Reason end end),
    do(Pid, fun() -> process_flag(trap_exit, false), spawn_link(?MODULE, child, [bad]), ok end),
    gone(Pid),
    ?SHOW(traces(Pid)).

inheritance() ->
    Me = self(),
    Work = fun() -> Me ! {self(), hello} end,
    [begin
         Pid = spawn(fun served/0),
         erlang:trace(Pid, true, [send, Flag]),
         do(Pid, fun() -> gone(spawn(Work)), gone(spawn(Work)) end),
         do(Pid, fun() -> [begin P = spawn_link(Work), gone(P) end || _ <- [1, 2]], ok end),
         erlang:display({Flag, lists:sort(traces(Pid)), erlang:trace_info(Pid, flags)}),
         Pid ! stop,
         gone(Pid),
         traces(Pid)
     end || Flag <- [set_on_spawn, set_on_first_spawn, set_on_link, set_on_first_link]].

ended_tracer() ->
    Pid = spawn(fun served/0),
    Tracer = spawn(fun served/0),
    ?SHOW(erlang:trace(Pid, true, [send, {tracer, Tracer}])),
    ?TRY(erlang:trace(Pid, true, [send])),
    ?SHOW(erlang:trace_info(Pid, flags)),
    Tracer ! stop,
    gone(Tracer),
    ?SHOW(erlang:trace_info(Pid, flags)),
    ?SHOW(erlang:trace_info(Pid, tracer)),
    ?SHOW(erlang:trace(Pid, true, [send])),
    do(Pid, fun() -> ok end),
    ?SHOW(traces(Pid)),
    ?TRY(erlang:trace(Pid, true, [nonsense])),
    ?TRY(erlang:trace(Pid, maybe, [send])),
    ?TRY(erlang:trace(Tracer, true, [send])),
    ?TRY(erlang:trace(nonsense, true, [send])),
    ?SHOW(erlang:trace_info(Tracer, flags)),
    Pid ! stop.

times() ->
    [begin
         Pid = spawn(fun served/0),
         erlang:trace(Pid, true, ['receive' | Flags]),
         Pid ! stop,
         gone(Pid),
         Reference = erlang:trace_delivered(Pid),
         receive {trace_delivered, _, Reference} -> ok end,
         erlang:display({Flags, receive Trace -> shape(Trace) end})
     end || Flags <- [[timestamp], [monotonic_timestamp], [strict_monotonic_timestamp], [scheduler_id],
                      [timestamp, scheduler_id], [timestamp, monotonic_timestamp]]].

shape({A, Pid, B, C}) when is_pid(Pid) -> {A, B, C};
shape({A, Pid, B, C, D}) when is_pid(Pid) -> {A, B, C, kind(D)};
shape({A, Pid, B, C, D, E}) when is_pid(Pid) -> {A, B, C, D, kind(E)}.

kind({A, B, C}) when is_integer(A), B < 1000000, C < 1000000 -> three;
kind({A, B}) when is_integer(A), is_integer(B) -> two;
kind(A) when A >= 0, A < 1000 -> A;
kind(A) when is_integer(A) -> one.
