%% process_info, process_flag, is_process_alive, processes: what can be told of a process.
-module(process_information).
-export([main/0, wait/0]).
-include("show.hrl").

main() ->
    Pid = spawn(?MODULE, wait, []),
    [Pid ! M || M <- [one, two, three]],
    wait_until_waiting(Pid),
    ?SHOW([process_info(Pid, I) || I <- [status, message_queue_len, messages, links, monitors, monitored_by, registered_name,
                                         trap_exit, priority, initial_call, dictionary, error_handler, message_queue_data]]),
    ?SHOW(process_info(Pid, [message_queue_len, status])),
    ?SHOW(process_info(Pid, [])),
    {current_function, Current} = process_info(Pid, current_function),
    ?SHOW(Current),
    ?SHOW([is_integer(V) || {_, V} <- process_info(Pid, [heap_size, total_heap_size, stack_size, reductions, memory])]),
    ?SHOW(element(1, process_info(Pid, garbage_collection))),
    {current_stacktrace, [{M, F, A, _} | _]} = process_info(Pid, current_stacktrace),
    ?SHOW({M, F, A}),
    ?SHOW(is_list(process_info(Pid))),
    {group_leader, Leader} = process_info(Pid, group_leader),
    ?SHOW(Leader =:= group_leader()),
    ?SHOW(process_info(self(), status)),
    ?TRY(process_info(Pid, id(unknown_item))),
    ?TRY(process_info(id(not_a_pid), status)),
    ?TRY(process_info(Pid, id([status, bad]))),
    ?SHOW(is_process_alive(Pid)),
    ?SHOW(lists:member(Pid, processes())),
    Ref = monitor(process, Pid),
    ?SHOW(process_info(Pid, monitored_by) =:= {monitored_by, [self()]}),
    Pid ! stop,
    receive {'DOWN', Ref, process, Pid, normal} -> ok end,
    ?SHOW(is_process_alive(Pid)),
    ?SHOW(process_info(Pid, status)),
    ?SHOW(process_info(Pid)),
    ?SHOW(lists:member(Pid, processes())),
    ?TRY(is_process_alive(id(x))),
    flags(),
    leader(),
    ?SHOW(is_list(pid_to_list(self()))),
    ?SHOW(list_to_pid(pid_to_list(self())) =:= self()),
    ?TRY(list_to_pid(id("<1.2>"))),
    ?SHOW(node()),
    ?SHOW(node(self())),
    ?SHOW(is_alive()),
    ?SHOW(nodes()).

wait() -> receive stop -> ok end.

wait_until_waiting(Pid) ->
    case process_info(Pid, status) of
        {status, waiting} -> ok;
        _ -> erlang:yield(), wait_until_waiting(Pid)
    end.

%% Each flag gives back what it was before.
flags() ->
    {_, Ref} = spawn_monitor(
        fun() ->
                ?SHOW([process_flag(trap_exit, V) || V <- [true, false]]),
                ?SHOW([process_flag(priority, V) || V <- [high, low, max, normal]]),
                {reductions, Before} = process_info(self(), reductions),
                erlang:bump_reductions(100),
                {reductions, After} = process_info(self(), reductions),
                ?SHOW(After - Before >= 100 andalso After - Before < 120),
                ?SHOW([process_flag(scheduler, V) || V <- [1, 1, 0, 0]]),
                ?TRY(process_flag(scheduler, id(2))),
                ?SHOW([process_flag(message_queue_data, V) || V <- [off_heap, on_heap]]),
                ?SHOW([process_flag(save_calls, V) || V <- [10, 0]]),
                ?SHOW([process_flag(sensitive, V) || V <- [true, false]]),
                ?SHOW(process_flag(error_handler, my_handler)),
                ?SHOW(process_flag(error_handler, error_handler)),
                ?SHOW(process_flag(fullsweep_after, 10)),
                ?SHOW(process_flag(fullsweep_after, 10)),
                ?TRY(process_flag(id(unknown), 1)),
                ?TRY(process_flag(priority, id(wrong)))
        end),
    receive {'DOWN', Ref, process, _, Reason} -> ?SHOW(Reason) end.

leader() ->
    Self = self(),
    Before = group_leader(),
    Pid = spawn(fun() ->
                        receive go -> ok end,
                        Self ! {leader, group_leader() =:= Self, process_info(self(), group_leader) =:= {group_leader, Self}}
                end),
    ?SHOW(group_leader(self(), Pid)),
    Pid ! go,
    ?SHOW(receive {leader, _, _} = L -> L end),
    ?SHOW(group_leader() =:= Before).
