%% spawn, spawn_link, spawn_monitor and spawn_opt in all their forms.
-module(spawn_options).
-export([main/0, child/2, report/1]).
-include("show.hrl").

main() ->
    %% No less than the machine's own.
    ?SHOW([{process_flag(min_bin_vheap_size, N), process_info(self(), min_bin_vheap_size)} || N <- [12, 233, 50000, 100, 100000, 46422]]),
    process_flag(trap_exit, false),
    Self = self(),
    ?SHOW(reply(spawn(?MODULE, child, [Self, mfa]))),
    ?SHOW(reply(spawn(fun() -> child(Self, a_fun) end))),
    ?SHOW(reply(spawn(node(), ?MODULE, child, [Self, with_node]))),
    ?SHOW(reply(spawn_link(?MODULE, child, [Self, linked]))),
    ?SHOW(monitored(spawn_monitor(?MODULE, child, [Self, monitored]))),
    ?SHOW(reply(spawn_opt(fun() -> child(Self, options) end, []))),
    ?SHOW(reply(spawn_opt(?MODULE, child, [Self, options_mfa], [{priority, high}]))),
    ?SHOW(monitored(spawn_opt(fun() -> child(Self, with_monitor) end, [monitor]))),
    ?SHOW(monitored(spawn_opt(?MODULE, child, [Self, with_monitor_mfa], [monitor, link]))),
    ?SHOW(monitored(spawn_opt(fun() -> child(Self, all_options) end,
                              [monitor, link, {priority, low}, {min_heap_size, 1000},
                               {fullsweep_after, 5}, {min_bin_vheap_size, 50000},
                               {message_queue_data, off_heap}]))),
    ?SHOW(monitored(spawn_opt(fun() -> exit(failing) end, [monitor]))),
    ?SHOW(monitored(spawn_opt(fun() -> child(Self, tagged) end, [{monitor, []}]))),
    ?SHOW(info(priority, [{priority, max}])),
    ?SHOW(info(priority, [])),
    ?SHOW(info(message_queue_data, [{message_queue_data, off_heap}])),
    ?SHOW(info(trap_exit, [])),
    ?SHOW(info(initial_call, [])),
    ?SHOW(info(group_leader, [])),
    ?TRY(spawn_opt(fun() -> ok end, id([{priority, urgent}]))),
    ?TRY(spawn_opt(fun() -> ok end, id(not_a_list))),
    ?TRY(spawn_opt(fun() -> ok end, [id(no_such_option)])),
    ?TRY(spawn_opt(fun() -> ok end, [{scheduler, id(2)}])),
    Request = erlang:spawn_request(fun() -> ok end, [{reply, id(perhaps)}]),
    ?SHOW(receive {spawn_reply, Request, What, Why} -> {What, Why} end),
    ?TRY(spawn(id(12))),
    ?TRY(spawn(id(m), id("f"), [])),
    ?SHOW(undefined_function()),
    ?SHOW(bad_fun_arity()),
    ?SHOW(max_heap()),
    ?SHOW(receive Any -> Any after 10 -> mailbox_empty end).

child(Parent, Tag) -> Parent ! {self(), Tag}.

%% The child's report, and proof that nothing else came of it.
reply(Pid) when is_pid(Pid) ->
    receive {Pid, Tag} -> Tag end.

monitored({Pid, Ref}) when is_pid(Pid), is_reference(Ref) ->
    receive
        {'DOWN', Ref, process, Pid, Reason} ->
            receive {Pid, Tag} -> {Tag, Reason}
            after 0 -> {no_report, Reason}
            end
    end.

info(Item, Options) ->
    {Pid, Ref} = spawn_opt(?MODULE, report, [Item], [monitor | Options]),
    receive {'DOWN', Ref, process, Pid, Value} -> Value end.

report(group_leader) -> exit(process_info(self(), group_leader) =:= {group_leader, group_leader()});
report(Item) -> exit(process_info(self(), Item)).

undefined_function() ->
    {Pid, Ref} = spawn_monitor(no_such_module, no_function, [1, 2]),
    receive {'DOWN', Ref, process, Pid, Reason} -> Reason end.

bad_fun_arity() ->
    {Pid, Ref} = spawn_monitor(?MODULE, report, []),
    receive {'DOWN', Ref, process, Pid, Reason} -> Reason end.

%% A process that outgrows its max_heap_size is killed, quietly here.
max_heap() ->
    {Pid, Ref} = spawn_opt(fun() -> exit({length(lists:seq(1, 1000000)), grew}) end,
                           [monitor, {max_heap_size, #{size => 20000, kill => true, error_logger => false}}]),
    receive {'DOWN', Ref, process, Pid, Reason} -> Reason end.
