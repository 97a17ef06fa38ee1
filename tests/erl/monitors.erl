%% Monitors: 'DOWN' messages, demonitor with its options, monitors by name.
-module(monitors).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW(down(fun() -> ok end)),
    ?SHOW(down(fun() -> exit(id(reason)) end)),
    ?SHOW(down(fun() -> exit(id({shutdown, [1, 2]})) end)),
    ?SHOW(down(fun() -> exit(self(), kill) end)),
    ?SHOW(crash(fun() -> error(id(oops)) end)),
    ?SHOW(crash(fun() -> throw(id(ball)) end)),
    ?SHOW(crash(fun() -> hd(id([])) end)),
    ?SHOW(already_dead()),
    ?SHOW(by_name()),
    ?SHOW(by_name_and_node()),
    ?SHOW(no_such_name()),
    ?SHOW(several()),
    ?SHOW(removed()),
    ?SHOW(flushed()),
    ?SHOW(info_option()),
    ?SHOW(is_reference(monitor(process, self()))),
    ?SHOW(spawn_monitor_mfa()),
    ?SHOW(monitored_by()),
    ?TRY(monitor(process, id(12))),
    ?TRY(monitor(id(nothing), self())),
    ?TRY(demonitor(id(x))),
    ?TRY(demonitor(make_ref(), id([bad_option]))),
    ?SHOW(demonitor(make_ref())),
    ?SHOW(demonitor(make_ref(), [info])),
    ?SHOW(receive Any -> Any after 20 -> mailbox_empty end).

down(F) ->
    {Pid, Ref} = spawn_monitor(F),
    receive {'DOWN', Ref, process, Pid, Reason} -> Reason end.

crash(F) ->
    {Reason, [{Module, Function, Arity, _} | _]} = down(F),
    {Reason, Module, Function, Arity}.

already_dead() ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, Pid, normal} -> ok end,
    Again = monitor(process, Pid),
    receive {'DOWN', Again, process, Pid, Reason} -> Reason end.

by_name() ->
    Pid = spawn(fun() -> receive stop -> exit(stopped) end end),
    register(monitored, Pid),
    Ref = monitor(process, monitored),
    monitored ! stop,
    receive {'DOWN', Ref, process, Object, Reason} -> {Object =:= {monitored, node()}, Reason} end.

by_name_and_node() ->
    Pid = spawn(fun() -> receive stop -> exit(stopped) end end),
    register(monitored, Pid),
    Ref = monitor(process, {monitored, node()}),
    {monitored, node()} ! stop,
    receive {'DOWN', Ref, process, Object, Reason} -> {Object =:= {monitored, node()}, Reason} end.

no_such_name() ->
    Ref = monitor(process, nobody_has_this_name),
    receive {'DOWN', Ref, process, {Name, _}, Reason} -> {Name, Reason} end.

%% Each monitor brings its own message.
several() ->
    Pid = spawn(fun() -> receive stop -> ok end end),
    Refs = [monitor(process, Pid) || _ <- [1, 2, 3]],
    Pid ! stop,
    [receive {'DOWN', Ref, process, Pid, Reason} -> Reason end || Ref <- Refs].

removed() ->
    Pid = spawn(fun() -> receive stop -> ok end end),
    Ref = monitor(process, Pid),
    Kept = monitor(process, Pid),
    true = demonitor(Ref),
    Pid ! stop,
    receive {'DOWN', Kept, process, Pid, normal} -> ok end,
    receive {'DOWN', Ref, _, _, _} -> still_there after 20 -> gone end.

flushed() ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    wait_dead(Pid),
    {demonitor(Ref, [flush]), receive {'DOWN', Ref, _, _, _} -> still_there after 0 -> gone end}.

info_option() ->
    {Dead, DeadRef} = spawn_monitor(fun() -> ok end),
    wait_dead(Dead),
    Live = spawn(fun() -> receive stop -> ok end end),
    LiveRef = monitor(process, Live),
    Result = {demonitor(LiveRef, [info]), demonitor(LiveRef, [info]),
              demonitor(DeadRef, [info, flush]), demonitor(DeadRef, [flush, info])},
    Live ! stop,
    Result.

spawn_monitor_mfa() ->
    {Pid, Ref} = spawn_monitor(erlang, exit, [mfa_reason]),
    receive {'DOWN', Ref, process, Pid, Reason} -> Reason end.

monitored_by() ->
    Pid = spawn(fun() -> receive stop -> ok end end),
    Ref = monitor(process, Pid),
    {monitored_by, By} = process_info(Pid, monitored_by),
    {monitors, Mine} = process_info(self(), monitors),
    demonitor(Ref),
    {monitors, None} = process_info(self(), monitors),
    Pid ! stop,
    {By =:= [self()], lists:member({process, Pid}, Mine), None}.

wait_dead(Pid) ->
    case is_process_alive(Pid) of
        true -> erlang:yield(), wait_dead(Pid);
        false -> ok
    end.
