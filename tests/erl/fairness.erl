%% A process that never stops calling must not keep others from their turn.
%% gcstress: small
-module(fairness).
-export([main/0, main/1, spin/2]).

main() -> run(10000000).

main([small]) -> run(100000).

run(Calls) ->
    Self = self(),
    %% Started first: it ends only if it is preempted, or after all its calls.
    Spinner = spawn(fun() -> Self ! {spun, spin(Calls, 0)} end),
    Ticker = spawn(fun() -> tick(5), Self ! {ticked, is_process_alive(Spinner)} end),
    receive {ticked, Alive} -> erlang:display({other_process_ran_while_spinning, Alive}) end,
    receive {spun, Sum} -> erlang:display({spun, Calls, Sum}) end,
    false = is_process_alive(Ticker),
    two_spinners(Calls div 10),
    timer_during_spin().

tick(0) -> ok;
tick(N) -> erlang:yield(), tick(N - 1).

spin(0, Acc) -> Acc;
spin(N, Acc) -> ?MODULE:spin(N - 1, Acc + (N band 1)).

%% Two that spin at once both come to their end.
two_spinners(Calls) ->
    Self = self(),
    Pids = [spawn(fun() -> Self ! {self(), spin(Calls, 0)} end) || _ <- [1, 2]],
    erlang:display({both, [receive {Pid, Sum} -> Sum end || Pid <- Pids]}).

%% A timer must fire although some process is always ready to run.
timer_during_spin() ->
    Spinner = spawn(fun forever/0),
    erlang:send_after(30, self(), timer),
    receive timer -> erlang:display({timer_fired, is_process_alive(Spinner)}) end,
    exit(Spinner, kill),
    Monitor = monitor(process, Spinner),
    receive {'DOWN', Monitor, process, Spinner, Reason} -> erlang:display({killed, Reason =/= normal}) end.

forever() -> forever().
