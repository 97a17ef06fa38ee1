%% 10,000 processes alive at the same time, each with a state and an answer.
%% gcstress: small
-module(many_processes).
-export([main/0, main/1, loop/1]).

main() -> run(10000).

main([small]) -> run(300).

run(N) ->
    Before = length(processes()),
    Pids = [spawn(?MODULE, loop, [I]) || I <- lists:seq(1, N)],
    erlang:display({started, length(Pids)}),
    erlang:display({alive, length(processes()) - Before}),
    [Pid ! {add, 1} || Pid <- Pids],
    [Pid ! {get, self()} || Pid <- Pids],
    Values = [receive {value, Pid, Value} -> Value end || Pid <- Pids],
    erlang:display({sum, lists:sum(Values), expected, N * (N + 1) div 2 + N}),
    erlang:display({in_order, Values =:= lists:seq(2, N + 1)}),
    erlang:display({distinct, length(lists:usort(Pids))}),
    Monitors = [monitor(process, Pid) || Pid <- Pids],
    [Pid ! stop || Pid <- Pids],
    Reasons = [receive {'DOWN', Ref, process, _, Reason} -> Reason end || Ref <- Monitors],
    erlang:display({ended, lists:usort(Reasons), length(Reasons)}),
    erlang:display({left, length(processes()) - Before}).

loop(State) ->
    receive
        {add, X} -> loop(State + X);
        {get, From} -> From ! {value, self(), State}, loop(State);
        stop -> ok
    end.
