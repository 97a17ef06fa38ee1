%% Shared by the programs about tracing: a process that does what it is told, and what a tracer got, without pids and references.

%% A process that does what it is told.
served() ->
    receive
        {do, Fun, From} -> From ! {done, Fun()}, served();
        stop -> ok
    end.

%% Has it done by the process.
do(Pid, Fun) ->
    Pid ! {do, Fun, self()},
    receive {done, Value} -> Value end.

%% All messages until those of traces have come, in their order.
traces(Pid) ->
    Reference = erlang:trace_delivered(Pid),
    traces(Pid, Reference).

traces(Pid, Reference) ->
    receive
        {trace_delivered, _, Reference} -> [];
        Message -> [plain(Message, Pid) | traces(Pid, Reference)]
    end.

%% What of a term is the same in every run. `Pid` is the process that is traced.
plain(Pid, Pid) -> tracee;
plain(Me, _) when Me =:= self() -> me;
plain(Pid, _) when is_pid(Pid) -> pid;
plain(Reference, _) when is_reference(Reference) -> reference;
plain(Fun, _) when is_function(Fun) -> function;
plain([Head | Tail], Pid) -> [plain(Head, Pid) | plain(Tail, Pid)];
plain({trace_ts, _, _, _, _} = T, Pid) -> {with_time, plain(tuple_to_list(setelement(5, T, time)), Pid)};
plain({trace_ts, _, _, _, _, _} = T, Pid) -> {with_time, plain(tuple_to_list(setelement(6, T, time)), Pid)};
plain(Tuple, Pid) when is_tuple(Tuple) -> list_to_tuple(plain(tuple_to_list(Tuple), Pid));
plain(Term, _) -> Term.
