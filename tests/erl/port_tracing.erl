%% Traces of ports: what they get, send and do, when they run; and what a process is told of its ports.
-module(port_tracing).
-export([main/0]).
-include("show.hrl").

main() ->
    process_flag(trap_exit, true),
    Collector = spawn_link(fun() -> collect([]) end),
    put(collector, Collector),
    flags(),
    new_ports(),
    commands(),
    calls(),
    owners(),
    links(),
    ends(),
    names(),
    of_a_process(),
    without_receiver().

collect(Events) ->
    receive
        {get, Pid} -> Pid ! {events, lists:reverse(Events)}, collect([]);
        Event -> collect([Event | Events])
    end.

%% A port under a name for the output, with everything told.
cat(Name) -> cat(Name, [running_ports, ports, send, 'receive']).

cat(Name, Flags) ->
    Port = open_port({spawn, "cat"}, [binary]),
    put(Port, Name),
    1 = erlang:trace(Port, true, [{tracer, get(collector)} | Flags]),
    Port.

process(Name, Fun) ->
    Pid = spawn(Fun),
    put(Pid, Name),
    Pid.

%% What has been told since the last time.
told() ->
    receive after 100 -> ok end,
    Delivered = erlang:trace_delivered(all),
    receive {trace_delivered, all, Delivered} -> ok end,
    get(collector) ! {get, self()},
    receive {events, Events} -> [named(Event) || Event <- Events] end.

named(Self) when Self =:= self() -> me;
named(Id) when is_pid(Id); is_port(Id) -> case get(Id) of undefined -> somebody; Name -> Name end;
named(Ref) when is_reference(Ref) -> reference;
named(Tuple) when is_tuple(Tuple) -> list_to_tuple([named(E) || E <- tuple_to_list(Tuple)]);
named([Head | Tail]) -> [named(Head) | named(Tail)];
named(Other) -> Other.

flags() ->
    Port = cat(flags, [running]),
    ?SHOW(erlang:trace_info(Port, flags)),
    erlang:port_info(Port, name),
    ?SHOW(told()),
    Set = fun(Flags) -> erlang:trace(Port, true, [{tracer, get(collector)} | Flags]) end,
    ?SHOW({Set([running_procs]), erlang:trace_info(Port, flags)}),
    ?SHOW({Set([running_ports, exiting]), erlang:trace_info(Port, flags)}),
    ?SHOW({Set([call, procs, garbage_collection, arity, return_to, set_on_spawn]), erlang:trace_info(Port, flags)}),
    port_command(Port, "x"),
    receive {Port, {data, _}} -> ok end,
    ?SHOW(told()),
    ?SHOW({erlang:trace(Port, false, [all]), erlang:trace_info(Port, flags)}).

new_ports() ->
    ?SHOW(erlang:trace(new_ports, true, [ports, send, 'receive', {tracer, get(collector)}])),
    Port = open_port({spawn, "cat"}, [binary]),
    put(Port, new),
    ?SHOW(erlang:trace(new_ports, false, [all])),
    ?SHOW(erlang:trace_info(Port, flags)),
    port_close(Port),
    ?SHOW(told()).

commands() ->
    Port = cat(cat),
    Port ! {self(), {command, "hello"}},
    receive {Port, {data, _}} -> ok end,
    port_command(Port, ["abc", <<"def">>]),
    receive {Port, {data, _}} -> ok end,
    ?SHOW(told()),
    port_command(Port, "a", [nosuspend]),
    ?SHOW(told()),
    ?TRY(port_command(Port, not_data)),
    ?SHOW(told()),
    Bad = cat(bad),
    Bad ! {self(), {command, not_data}},
    ?SHOW(told()),
    Junk = cat(junk),
    Junk ! junk,
    ?SHOW(told()),
    %% Specifications are not run for what ports send.
    erlang:trace_pattern(send, [{['_', {'$1', {other, '_'}}], [], [{message, '$1'}]}], []),
    port_command(Port, "b"),
    ?SHOW(told()),
    erlang:trace_pattern(send, true, []),
    Port ! {self(), close},
    ?SHOW(told()).

calls() ->
    Port = cat(called),
    ?TRY(port_control(Port, 1, "abc")),
    ?SHOW(told()),
    ?TRY(erlang:port_call(Port, 1, "abc")),
    ?SHOW(told()),
    ?SHOW({length(erlang:port_info(Port)) > 3, erlang:port_info(Port, name)}),
    ?SHOW(told()),
    ?SHOW({erlang:port_set_data(Port, 1), erlang:port_get_data(Port)}),
    Monitor = monitor(port, Port),
    ?SHOW(told()),
    ?SHOW([demonitor(Monitor), demonitor(Monitor)]),
    ?SHOW(told()).

owners() ->
    Port = cat(owned),
    Owner = process(owner, fun() -> receive stop -> ok end end),
    ?SHOW(port_connect(Port, Owner)),
    ?SHOW(told()),
    ?SHOW(port_connect(Port, Owner)),
    unlink(Port),
    ?SHOW(told()),
    Owner ! stop,
    ?SHOW(told()),
    Other = cat(given),
    Self = self(),
    Taker = process(taker, fun() -> port_connect(Other, self()), Self ! taken, receive Reason -> exit(Reason) end end),
    receive taken -> ok end,
    ?SHOW(told()),
    unlink(Other),
    Taker ! reason,
    ?SHOW(told()),
    Third = cat(third),
    Third ! {self(), {connect, self()}},
    ?SHOW(told()).

links() ->
    Port = cat(linked),
    Self = self(),
    Stranger = process(stranger, fun() -> link(Port), Self ! linked, receive Reason -> exit(Reason) end end),
    receive linked -> ok end,
    ?SHOW(told()),
    Stranger ! normal,
    ?SHOW(told()),
    link(Port),
    unlink(Port),
    unlink(Port),
    ?SHOW(told()),
    Next = process(next, fun() -> link(Port), Self ! linked, receive Reason -> exit(Reason) end end),
    receive linked -> ok end,
    Next ! reason,
    ?SHOW(told()).

ends() ->
    Killed = cat(killed),
    exit(Killed, kill),
    ?SHOW(told()),
    ?SHOW(receive {'EXIT', Killed, Reason} -> Reason after 100 -> none end),
    Ended = cat(ended),
    exit(Ended, normal),
    ?SHOW(told()),
    ByOther = cat(by_other),
    process(other, fun() -> exit(ByOther, foo) end),
    ?SHOW(told()),
    Closed = cat(closed),
    port_close(Closed),
    ?SHOW(told()).

names() ->
    Port = cat(named),
    register(a_port, Port),
    ?SHOW(told()),
    a_port ! {self(), {command, "y"}},
    receive {Port, {data, _}} -> ok end,
    ?SHOW(told()),
    unregister(a_port),
    register(a_port, Port),
    port_close(a_port),
    ?SHOW(told()).

of_a_process() ->
    erlang:trace(self(), true, [procs, ports, {tracer, get(collector)}]),
    Port = open_port({spawn, "cat"}, []),
    put(Port, own),
    unlink(Port),
    link(Port),
    port_connect(Port, self()),
    exit(Port, foo),
    receive {'EXIT', Port, foo} -> ok end,
    erlang:trace(self(), false, [all]),
    ?SHOW(told()).

%% OTP's own tracer with a state that is neither process nor port.
without_receiver() ->
    Pid = spawn(fun() -> receive stop -> ok end end),
    ?SHOW({erlang:trace(Pid, true, [call, {tracer, erl_tracer, nobody}]), erlang:trace_info(Pid, flags), erlang:trace_info(Pid, tracer)}),
    ?SHOW({erlang:trace(new, true, [call, {tracer, erl_tracer, nobody}]), erlang:trace_info(new, tracer)}),
    ?TRY(erlang:trace(Pid, true, [call, {tracer, nobody}])),
    ?TRY(erlang:trace_pattern({lists, seq, 2}, true, [{meta, nobody}])),
    Pid ! stop.
