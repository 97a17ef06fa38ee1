%% Times one workload: `-s bench main MODULE ITERATIONS`.
%%
%% MODULE:run/0 is called ITERATIONS times, each time in a fresh process, so that no
%% call inherits a grown heap; the first call also loads the module, and the best of all
%% counts. Prints `{MODULE,BestMicroseconds,Result}` on one line;
%% a result that differs between iterations ends the run with an error.
-module(bench).
-export([main/1, time/2]).

main([Module, Iterations]) ->
    Count = list_to_integer(atom_to_list(Iterations)),
    [First | Rest] = [once(Module) || _ <- lists:seq(1, Count)],
    Best = lists:foldl(fun best/2, First, Rest),
    {Micros, Result} = Best,
    erlang:display({Module, Micros, Result}).

best({Micros, Result}, {BestMicros, Result}) -> {min(Micros, BestMicros), Result}.

once(Module) ->
    {Pid, Monitor} = spawn_monitor(?MODULE, time, [self(), Module]),
    receive
        {Pid, Micros, Result} ->
            receive {'DOWN', Monitor, process, Pid, normal} -> {Micros, Result} end;
        {'DOWN', Monitor, process, Pid, Reason} ->
            error({failed, Module, Reason})
    end.

time(Parent, Module) ->
    Start = erlang:monotonic_time(microsecond),
    Result = Module:run(),
    End = erlang:monotonic_time(microsecond),
    Parent ! {self(), End - Start, Result}.
