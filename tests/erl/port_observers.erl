%% Ports that are told: of who becomes active (system_profile) and of sequential traces, in external term format.
-module(port_observers).
-export([main/0]).
-include("show.hrl").

main() ->
    process_flag(trap_exit, true),
    refused(),
    profile(),
    sequential(),
    closed().

%% What is written to it comes back.
echo() -> open_port({spawn, "cat"}, [{packet, 4}, binary]).

received(Port) ->
    receive {Port, {data, Bytes}} -> [binary_to_term(Bytes) | received(Port)]
    after 200 -> []
    end.

dead() -> {Pid, Monitor} = spawn_monitor(fun() -> ok end), receive {'DOWN', Monitor, _, _, _} -> Pid end.

refused() ->
    Port = echo(),
    ?TRY(erlang:system_monitor(Port, [{large_heap, 1000}])),
    Dead = dead(),
    [?TRY(erlang:system_profile(id(Receiver), [runnable_procs])) || Receiver <- [Dead, atom, 1, [], {Port}]],
    ?TRY(erlang:system_profile(Port, [something])),
    ?TRY(erlang:system_profile(Port, [runnable_procs | runnable_ports])),
    [?TRY(erlang:system_flag(sequential_tracer, id(Tracer)))
     || Tracer <- [Dead, atom, 1, {erl_tracer, atom}, {erl_tracer, Dead}]],
    port_close(Port),
    ?TRY(erlang:system_profile(Port, [runnable_procs])),
    ?TRY(erlang:system_flag(sequential_tracer, Port)).

profile() ->
    [Port, Other] = [echo(), echo()],
    ?SHOW(erlang:system_profile(Port, [runnable_ports, runnable_procs, monotonic_timestamp])),
    ?SHOW(element(1, erlang:system_profile()) =:= Port),
    Pid = spawn_link(fun() -> receive _ -> ok end, receive after infinity -> ok end end),
    receive after 50 -> ok end,
    Pid ! wake_up,
    receive after 50 -> ok end,
    port_command(Other, "x"),
    receive {Other, {data, <<"x">>}} -> ok end,
    {Port, _} = erlang:system_profile(undefined, []),
    Told = received(Port),
    ?SHOW(lists:all(fun({profile, Who, What, _, Time}) ->
                            (is_pid(Who) orelse Who =:= Other orelse is_port(Who)) andalso lists:member(What, [active, inactive]) andalso is_integer(Time)
                    end, Told)),
    ?SHOW(lists:usort([What || {profile, P, What, _, _} <- Told, P =:= Pid])),
    ?SHOW(lists:usort([What || {profile, P, What, 0, _} <- Told, P =:= Other])),
    ?SHOW([P || {profile, P, _, _, _} <- Told, P =:= Port]).

sequential() ->
    Port = echo(),
    Self = self(),
    ?SHOW(erlang:system_flag(sequential_tracer, {erl_tracer, Port})),
    ?SHOW(erlang:system_info(sequential_tracer) =:= {sequential_tracer, Port}),
    erlang:seq_trace(label, {a, "label", 1.5}),
    [erlang:seq_trace(Flag, true) || Flag <- [send, 'receive', print]],
    Self ! {hello, [1 bsl 80, <<1:3>>, #{}]},
    receive {hello, _} -> ok end,
    erlang:seq_trace_print({some, "text"}),
    erlang:seq_trace(sequential_trace_token, []),
    ?SHOW([{seq_trace, Label, setelement(3, setelement(4, Event, 0), From =:= Self)}
           || {seq_trace, Label, Event} <- received(Port), From <- [element(3, Event)]]),
    ?SHOW(erlang:system_flag(sequential_tracer, Self) =:= Port),
    ?SHOW(erlang:system_flag(sequential_tracer, false) =:= Self).

%% A port that closes is told nothing any more.
closed() ->
    Port = echo(),
    Other = echo(),
    erlang:system_profile(Port, [runnable_ports]),
    erlang:system_flag(sequential_tracer, Port),
    port_close(Port),
    receive after 50 -> ok end,
    port_command(Other, "x"),
    receive {Other, {data, <<"x">>}} -> ok end,
    ?SHOW(erlang:system_profile()),
    ?SHOW(erlang:system_info(sequential_tracer)).
