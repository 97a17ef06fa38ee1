%% What one process asks of another through erts_internal: system tasks, suspending, group leaders, flags.
-module(system_tasks).
-export([main/0, wait/0]).
-include("show.hrl").

main() ->
    Pid = spawn(?MODULE, wait, []),
    {Dead, Monitor} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Monitor, process, Dead, normal} -> ok end,
    tasks(Pid, Dead),
    in_order(Pid),
    not_before_others(Pid),
    dirty(Pid, Dead),
    suspending(Pid, Dead),
    suspender_ends(Pid),
    leaders(Pid, Dead),
    flags(Pid, Dead).

wait() -> receive stop -> ok end.

answer() -> receive Message -> Message after 100 -> none end.

tasks(Pid, Dead) ->
    ?SHOW({erts_internal:request_system_task(self(), inherit, {garbage_collect, one, major}), answer()}),
    ?SHOW({erts_internal:request_system_task(Pid, low, {garbage_collect, two, minor}), answer()}),
    ?SHOW({erts_internal:request_system_task(Dead, max, {garbage_collect, three, major}), answer()}),
    ?SHOW({erts_internal:request_system_task(self(), Pid, high, {garbage_collect, {four}, major}), answer()}),
    ?TRY(erts_internal:request_system_task(Pid, id(sometime), {garbage_collect, x, major})),
    ?TRY(erts_internal:request_system_task(Pid, low, id({garbage_collect, x, other}))),
    ?TRY(erts_internal:request_system_task(Pid, low, id({other, x, major}))),
    ?TRY(erts_internal:request_system_task(id(pid), low, {garbage_collect, x, major})),
    ?SHOW([erts_internal:garbage_collect(T) || T <- [major, minor]]),
    ?SHOW([erlang:garbage_collect(P, [{async, P =:= Pid}]) || P <- [Pid, Dead]]),
    ?SHOW(lists:sort([answer(), answer(), answer()])).

%% By priority; between those of low priority come eight of normal one.
in_order(Pid) ->
    Old = process_flag(priority, high),
    Ask = fun(Priority, Numbers) ->
              [ok = erts_internal:request_system_task(Pid, Priority, {system_task_test, {Priority, N}}) || N <- Numbers]
          end,
    Ask(low, lists:seq(1, 3)),
    Ask(normal, lists:seq(1, 20)),
    Ask(high, [1, 2]),
    Ask(low, [4]),
    Ask(max, [1]),
    ?SHOW([{Priority, N} || _ <- lists:seq(1, 27), {system_task_test, {Priority, N}, true} <- [answer()]]),
    process_flag(priority, Old).

%% A process of higher priority than both the request and who is asked comes first.
not_before_others(Pid) ->
    Old = process_flag(priority, max),
    Busy = spawn_opt(fun spin/0, [{priority, high}]),
    Low = spawn_opt(?MODULE, wait, [], [{priority, low}]),
    [ok = erts_internal:request_system_task(P, Priority, {garbage_collect, {Who, Priority}, major})
     || {Who, P} <- [{pid, Pid}, {low, Low}], Priority <- [low, normal]],
    ?SHOW(answer()),
    ok = erts_internal:request_system_task(Low, high, {garbage_collect, high, major}),
    ?SHOW(answer()),
    exit(Busy, kill),
    ?SHOW(lists:sort([answer() || _ <- [1, 2, 3, 4]])),
    Low ! stop,
    process_flag(priority, Old).

spin() -> spin().

dirty(Pid, Dead) ->
    ?SHOW([erts_internal:is_process_executing_dirty(P) || P <- [self(), Pid, Dead]]),
    ?TRY(erts_internal:is_process_executing_dirty(id(x))),
    ?TRY(erts_internal:dirty_process_handle_signals(Pid)),
    ?SHOW([erts_internal:is_system_process(P) || P <- [self(), Pid, Dead]]),
    ?TRY(erts_internal:is_system_process(id(x))),
    System = erts_internal:spawn_system_process(?MODULE, wait, []),
    ?SHOW(erts_internal:is_system_process(System)).

suspending(Pid, Dead) ->
    ?SHOW([erts_internal:suspend_process(Pid, O)
           || O <- [[], [], [unless_suspending], [asynchronous], [{asynchronous, tag}], [bad], bad]]),
    ?SHOW([erts_internal:suspend_process(P, O)
           || {P, O} <- [{self(), []}, {Dead, []}, {x, []}, {Dead, [{asynchronous, gone}]}, {Dead, [asynchronous]}]]),
    ?SHOW(lists:sort([answer(), answer(), answer()])),
    {suspending, [{Who, Active, Outstanding}]} = process_info(self(), suspending),
    ?SHOW({Who =:= Pid, Active, Outstanding, process_info(Pid, status)}),
    ?SHOW([resume(P) || P <- [Pid, Pid, Pid, Pid, Pid, Dead, self(), x]]),
    ?SHOW([process_info(self(), suspending), process_info(Pid, status)]),
    ?TRY(erlang:suspend_process(Pid, id([what]))),
    ?TRY(erlang:suspend_process(id(x))),
    ?SHOW(erlang:suspend_process(Pid)),
    ?SHOW(erlang:resume_process(Pid)).

resume(P) ->
    try erlang:resume_process(P) catch error:Reason -> Reason end.

%% Whoever suspends lets go when it ends.
suspender_ends(Pid) ->
    Self = self(),
    {Other, Ref} = spawn_monitor(fun() -> Self ! erlang:suspend_process(Pid), receive stop -> ok end end),
    ?SHOW(answer()),
    ?SHOW(process_info(Pid, status)),
    ?SHOW(resume(Pid)),
    Other ! stop,
    receive {'DOWN', Ref, process, Other, normal} -> ok end,
    ?SHOW(process_info(Pid, status)).

leaders(Pid, Dead) ->
    Old = group_leader(),
    ?SHOW([erts_internal:group_leader(L, P) || {L, P} <- [{Old, self()}, {x, self()}, {Old, x}, {Old, Dead}]]),
    Ref = make_ref(),
    ?SHOW([erts_internal:group_leader(Old, P, Ref) || P <- [Pid, Dead]]),
    Answers = [receive {Ref, A} -> A end || _ <- [1, 2]],
    ?SHOW(lists:sort(Answers)),
    ?TRY(erts_internal:group_leader(id(x), Pid, Ref)),
    ?TRY(erts_internal:group_leader(Old, Pid, id(x))),
    ?TRY(group_leader(id(x), Pid)).

flags(Pid, Dead) ->
    ?SHOW([erts_internal:process_flag(P, F, V)
           || {P, F, V} <- [{self(), save_calls, 10}, {self(), save_calls, 0}, {self(), trap_exit, true}, {x, save_calls, 1},
                            {Dead, save_calls, 1}, {self(), save_calls, x}]]),
    Ref = erts_internal:process_flag(Pid, save_calls, 3),
    ?SHOW(receive {Ref, Value} -> Value end),
    ?SHOW([erts_internal:process_display(P, W) || {P, W} <- [{Dead, backtrace}, {Pid, other}, {x, backtrace}]]).
