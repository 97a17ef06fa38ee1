%% Exit signals: exit/2 with every kind of reason, to processes that trap and that do not.
-module(trap_exit).
-export([main/0]).
-include("show.hrl").

main() ->
    process_flag(trap_exit, false),
    [erlang:display({Trap, Reason, sent(Trap, Reason)})
     || Trap <- [false, true], Reason <- [normal, kill, killed, shutdown, {any, "term"}]],
    ?SHOW(exit_self(false, normal)),
    ?SHOW(exit_self(true, normal)),
    ?SHOW(exit_self(false, kill)),
    ?SHOW(exit_self(true, kill)),
    ?SHOW(exit_self(true, other)),
    ?SHOW(crash_message(fun() -> error(id(bad)) end)),
    ?SHOW(crash_message(fun() -> throw(id(ball)) end)),
    ?SHOW(crash_message(fun() -> exit(id(reason)) end)),
    ?SHOW(crash_message(fun() -> {a, _} = id({b, 1}) end)),
    ?SHOW(crash_message(fun() -> ok end)),
    ?SHOW(crash_message(fun() -> exit(self(), kill), receive never -> ok end end)),
    ?SHOW(process_flag(trap_exit, false)),
    ?SHOW(process_flag(trap_exit, true)),
    ?SHOW(process_flag(trap_exit, false)),
    ?TRY(process_flag(trap_exit, id('maybe'))),
    ?SHOW(exit(dead_pid(), kill)),
    ?SHOW(order()),
    ?SHOW(signal_order()).

%% What becomes of a process to which Reason is sent.
sent(Trap, Reason) ->
    Self = self(),
    {Pid, Monitor} = spawn_monitor(fun() ->
                                           process_flag(trap_exit, Trap),
                                           Self ! ready,
                                           receive
                                               {'EXIT', Self, Got} -> exit({trapped, Got})
                                           after 30 -> exit(survived)
                                           end
                                   end),
    receive ready -> ok end,
    exit(Pid, Reason),
    receive {'DOWN', Monitor, process, Pid, How} -> How end.

exit_self(Trap, Reason) ->
    {Pid, Monitor} = spawn_monitor(fun() ->
                                           process_flag(trap_exit, Trap),
                                           exit(self(), Reason),
                                           receive {'EXIT', _, Got} -> exit({trapped, Got})
                                           after 10 -> exit(survived)
                                           end
                                   end),
    receive {'DOWN', Monitor, process, Pid, How} -> How end.

%% The 'EXIT' message of a linked process, without its stack trace.
crash_message(F) ->
    process_flag(trap_exit, true),
    Pid = spawn_link(F),
    receive
        {'EXIT', Pid, {Reason, [Top | _]}} when is_tuple(Top) -> {Reason, with_stack};
        {'EXIT', Pid, Reason} -> Reason
    end.

dead_pid() ->
    {Pid, Monitor} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Monitor, process, Pid, normal} -> Pid end.

%% A process that dies sends its last message before its exit signal.
order() ->
    process_flag(trap_exit, true),
    Self = self(),
    Pid = spawn_link(fun() -> Self ! first, Self ! second, exit(third) end),
    receive {'EXIT', Pid, third} -> ok end,
    process_flag(trap_exit, false),
    {messages, Waiting} = process_info(self(), messages),
    receive first -> ok end,
    receive second -> ok end,
    Waiting.

%% An exit signal does not overtake a message sent before it.
signal_order() ->
    Self = self(),
    {Pid, Monitor} = spawn_monitor(fun() ->
                                           process_flag(trap_exit, true),
                                           Self ! trapping,
                                           receive go -> ok end,
                                           receive A -> ok end,
                                           receive {'EXIT', _, B} -> ok end,
                                           receive C -> ok end,
                                           exit({A, B, C})
                                   end),
    receive trapping -> ok end,
    Pid ! go, Pid ! before, exit(Pid, between), Pid ! behind,
    receive {'DOWN', Monitor, process, Pid, Seen} -> Seen end.
