%% Ports and processes: owners, links, monitors, names, exit signals, bad commands, information.
-module(port_signals).
-export([main/0]).
-include("show.hrl").

main() ->
    process_flag(trap_exit, true),
    closing(),
    bad_signals(),
    owners(),
    exits(),
    monitors(),
    names(),
    information(),
    errors(),
    data().

cat() -> open_port({spawn, "cat"}, []).

%% What has come, with the port and references replaced.
flush(Port) ->
    receive
        {Port, closed} -> [closed | flush(Port)];
        {Port, Other} -> [Other | flush(Port)];
        {'EXIT', Port, Reason} -> [{exit, Reason} | flush(Port)];
        {'DOWN', _, port, Port, Reason} -> [{down, Reason} | flush(Port)];
        {'DOWN', _, port, Name, Reason} -> [{down, Name, Reason} | flush(Port)]
    after 100 -> []
    end.

closing() ->
    P1 = cat(),
    P1 ! {self(), close},
    ?SHOW({flush(P1), erlang:port_info(P1)}),
    P2 = cat(),
    ?SHOW({port_close(P2), flush(P2)}),
    ?TRY(port_close(P2)),
    ?TRY(port_command(P2, "x")),
    ?TRY(port_connect(P2, self())),
    ?TRY(port_control(P2, 1, "x")),
    ?SHOW(element(2, P2 ! {self(), close})),
    ?SHOW(P2 ! anything),
    ?SHOW(catch erlang:port_info(P2, name)),
    %% A stranger may close, in the owner's name.
    P3 = cat(),
    Self = self(),
    spawn(fun() -> P3 ! {Self, close} end),
    ?SHOW(flush(P3)),
    %% Not linked any more: no exit signal.
    P4 = cat(),
    unlink(P4),
    ?SHOW({port_close(P4), flush(P4)}).

bad_signals() ->
    P1 = cat(),
    P1 ! hello,
    ?SHOW({flush(P1), is_list(erlang:port_info(P1))}),
    P1 ! {self(), {command, not_data}},
    ?SHOW({flush(P1), is_list(erlang:port_info(P1))}),
    P1 ! {self(), {connect, not_a_pid}},
    ?SHOW({flush(P1), is_list(erlang:port_info(P1))}),
    P1 ! {self(), unknown},
    ?SHOW({flush(P1), is_list(erlang:port_info(P1))}),
    spawn(fun() -> P1 ! {self(), {command, "x"}} end),
    ?SHOW({flush(P1), is_list(erlang:port_info(P1))}),
    port_close(P1),
    %% The owner need not trap exits: then it ends.
    {Pid, Ref} = spawn_monitor(fun() -> P = cat(), P ! hello, receive after 5000 -> ok end end),
    receive {'DOWN', Ref, process, Pid, Reason} -> ?SHOW(Reason) end.

owners() ->
    Self = self(),
    P1 = cat(),
    New = spawn(fun() -> receive {_, {data, Data}} -> Self ! {got, Data} end,
                         receive stop -> ok end end),
    P1 ! {self(), {connect, New}},
    ?SHOW(flush(P1)),
    ?SHOW(erlang:port_info(P1, connected) =:= {connected, New}),
    ?SHOW(lists:sort(element(2, erlang:port_info(P1, links))) =:= lists:sort([New, self()])),
    port_command(P1, "data"),
    receive {got, Data} -> ?SHOW(Data) after 5000 -> ?SHOW(timeout) end,
    %% The old owner is not the owner any more.
    P1 ! {self(), close},
    ?SHOW({flush(P1), is_list(erlang:port_info(P1))}),
    unlink(P1),
    New ! stop,
    ?SHOW(flush(P1)),
    ?SHOW(is_list(erlang:port_info(P1))),
    P2 = cat(),
    Dead = spawn(fun() -> ok end),
    receive after 10 -> ok end,
    ?TRY(port_connect(P2, Dead)),
    ?TRY(port_connect(P2, an_atom)),
    ?SHOW(port_connect(P2, self())),
    port_close(P2),
    ?SHOW(flush(P2)).

exits() ->
    P1 = cat(),
    exit(P1, reason),
    ?SHOW(flush(P1)),
    P2 = cat(),
    exit(P2, kill),
    ?SHOW(flush(P2)),
    P3 = cat(),
    exit(P3, normal),
    ?SHOW(flush(P3)),
    P4 = cat(),
    Pid = spawn(fun() -> exit(P4, normal), exit(P4, {a, <<"tuple">>}) end),
    ?SHOW({is_pid(Pid), flush(P4)}),
    %% A port ends with its owner, and takes who is linked to it along.
    Self = self(),
    Owner = spawn(fun() -> P = cat(), Self ! {port, P}, receive Why -> exit(Why) end end),
    P5 = receive {port, P} -> P end,
    link(P5),
    Owner ! gone,
    ?SHOW(flush(P5)),
    ?SHOW(erlang:port_info(P5)),
    ?SHOW({link(P5), flush(P5)}),
    {Quiet, Ref} = spawn_monitor(fun() -> link(P5) end),
    receive {'DOWN', Ref, process, Quiet, {Reason, _}} -> ?SHOW(Reason) end.

monitors() ->
    P1 = cat(),
    M1 = monitor(port, P1),
    M2 = monitor(port, P1),
    ?SHOW(length(element(2, erlang:port_info(P1, monitored_by)))),
    ?SHOW(process_info(self(), monitors) =:= {monitors, [{port, P1}, {port, P1}]}),
    ?SHOW(demonitor(M2)),
    ?SHOW(length(element(2, erlang:port_info(P1, monitored_by)))),
    port_close(P1),
    ?SHOW(flush(P1)),
    ?SHOW(is_reference(M1)),
    monitor(port, P1),
    ?SHOW(flush(P1)),
    monitor(port, no_such_name),
    ?SHOW(flush(P1)),
    P2 = cat(),
    register(a_port, P2),
    monitor(port, a_port),
    monitor(port, {a_port, node()}),
    port_close(P2),
    ?SHOW(flush(P2)),
    ?TRY(monitor(port, self())),
    ?TRY(monitor(process, P2)).

names() ->
    P1 = cat(),
    ?SHOW(register(a_port, P1)),
    ?SHOW(whereis(a_port) =:= P1),
    ?SHOW(lists:member(a_port, registered())),
    ?SHOW(erlang:port_info(a_port, registered_name)),
    ?SHOW(hd(erlang:port_info(a_port))),
    ?TRY(register(another, P1) =:= P1),
    ?SHOW(port_command(a_port, "by name")),
    ?SHOW(receive {P1, {data, Data}} -> Data after 5000 -> timeout end),
    a_port ! {self(), {command, "to name"}},
    ?SHOW(receive {P1, {data, Data2}} -> Data2 after 5000 -> timeout end),
    {a_port, node()} ! {self(), {command, "to node"}},
    ?SHOW(receive {P1, {data, Data3}} -> Data3 after 5000 -> timeout end),
    ?SHOW(unregister(a_port)),
    ?SHOW(erlang:port_info(P1, registered_name)),
    register(a_port, P1),
    port_close(a_port),
    ?SHOW(flush(P1)),
    ?SHOW(whereis(a_port)),
    ?TRY(register(a_port, P1)).

information() ->
    P1 = cat(),
    port_command(P1, "12345"),
    receive {P1, {data, _}} -> ok end,
    ?SHOW([Key || {Key, _} <- erlang:port_info(P1)]),
    ?SHOW([erlang:port_info(P1, Key) || Key <- [name, input, output, monitors, monitored_by,
                                                parallelism, queue_size]]),
    ?SHOW(erlang:port_info(P1, links) =:= {links, [self()]}),
    ?SHOW(is_integer(element(2, erlang:port_info(P1, os_pid)))),
    ?SHOW(is_integer(element(2, erlang:port_info(P1, id)))),
    ?SHOW(is_integer(element(2, erlang:port_info(P1, memory)))),
    ?TRY(erlang:port_info(P1, no_such_item)),
    ?TRY(erlang:port_info(P1, 1)),
    ?TRY(erlang:port_info(1)),
    ?TRY(erlang:port_info(no_such_name)),
    ?TRY(erlang:port_info(no_such_name, name)),
    ?SHOW(lists:member(P1, erlang:ports())),
    ?SHOW(lists:member(P1, element(2, process_info(self(), links)))),
    ?SHOW({is_port(P1), is_pid(P1), node(P1)}),
    ?SHOW(list_to_port(port_to_list(P1)) =:= P1),
    port_close(P1),
    ?SHOW(lists:member(P1, erlang:ports())),
    flush(P1),
    P2 = open_port({fd, 0, 1}, [out]),
    ?SHOW([erlang:port_info(P2, Key) || Key <- [name, os_pid]]),
    port_close(P2),
    flush(P2).

errors() ->
    ?TRY(open_port({spawn_executable, "/no/such/file"}, [])),
    ?TRY(open_port({spawn_executable, "/etc/passwd"}, [])),
    ?TRY(open_port({spawn_driver, "no_such_driver"}, [])),
    ?TRY(open_port({spawn, ""}, [])),
    ?TRY(open_port({spawn, [0]}, [])),
    ?TRY(open_port({spawn, "cat"}, [unknown])),
    ?TRY(open_port({spawn, "cat"}, not_a_list)),
    ?TRY(open_port({spawn, "cat"}, [binary | eof])),
    ?TRY(open_port({spawn, "cat"}, [{args, ["x"]}])),
    ?TRY(open_port({spawn, "cat"}, [{arg0, "x"}])),
    ?TRY(open_port({spawn_executable, "/bin/cat"}, [{args, [1]}])),
    ?TRY(open_port({spawn_executable, "/bin/cat"}, [{args, x}])),
    ?TRY(open_port({spawn, "cat"}, [{packet, 3}])),
    ?TRY(open_port({spawn, "cat"}, [{packet, 1}, {line, 3}])),
    ?TRY(open_port({spawn, "cat"}, [{line, 0}])),
    ?TRY(open_port({spawn, "cat"}, [nouse_stdio, stderr_to_stdout])),
    ?TRY(open_port({spawn, "cat"}, [{env, [{"A=B", "x"}]}])),
    ?TRY(open_port({spawn, "cat"}, [{env, [x]}])),
    ?TRY(open_port({spawn, "cat"}, [{cd, 1}])),
    ?TRY(open_port({spawn, "cat"}, [{parallelism, 'maybe'}])),
    ?TRY(open_port({spawn, "cat"}, [{busy_limits_port, {1, b}}])),
    ?TRY(open_port({fd, a, 1}, [])),
    ?TRY(open_port({fd, 0, 1}, [exit_status])),
    ?TRY(open_port({unknown, 1}, [])),
    ?TRY(open_port({}, [])),
    ?TRY(open_port(1, [])),
    P = cat(),
    ?TRY(port_command(P, not_data)),
    ?TRY(port_command(P, [256])),
    ?TRY(port_command(P, "x", [unknown])),
    ?TRY(port_command(P, "x", [force])),
    ?TRY(port_command(P, "x", [nosuspend])),
    ?TRY(port_control(P, 1, "x")),
    ?TRY(port_control(P, a, "x")),
    ?TRY(erlang:port_call(P, "x")),
    ?TRY(erlang:port_call(P, 1, "x")),
    ?TRY(port_command(self(), "x")),
    ?TRY(port_close(not_registered)),
    flush(P),
    port_close(P),
    flush(P),
    %% Too long for its size.
    P2 = open_port({spawn, "cat"}, [{packet, 1}]),
    ?SHOW(port_command(P2, binary:copy(<<"x">>, 256))),
    ?SHOW(flush(P2)),
    %% Nobody reads.
    P3 = open_port({spawn, "sh -c 'exec 0<&-; sleep 1'"}, []),
    receive after 200 -> ok end,
    ?SHOW(port_command(P3, "x")),
    ?SHOW(flush(P3)),
    P4 = open_port({fd, 77, 77}, [out]),
    ?SHOW(port_command(P4, "x")),
    ?SHOW(flush(P4)).

data() ->
    P = cat(),
    ?SHOW(erlang:port_get_data(P)),
    ?SHOW(erlang:port_set_data(P, {a, "term", <<1:3>>})),
    ?SHOW(erlang:port_get_data(P)),
    ?SHOW(erlang:port_set_data(P, 1)),
    ?SHOW(erlang:port_get_data(P)),
    port_close(P),
    ?TRY(erlang:port_get_data(P)),
    ?TRY(erlang:port_set_data(P, 1)),
    flush(P).
