%% Long built-in functions let others run, and can be ended in the middle.
%%
%% Beside each call a process counts its own turns; a call of more than a turn is one during which it had some.
%%
%% gcstress: small
-module(yielding).
-export([main/0, main/1, count/1, forever/1, id/1]).

id(X) -> X.

main() -> main(150000).

main([small]) -> main(20);
main(Size) ->
    Counter = counters:new(1, []),
    Beside = spawn(?MODULE, count, [Counter]),
    lists:foreach(fun({Name, Make}) -> try_one(Name, Make(Size), Counter, Size) end, calls()),
    exit(Beside, kill),
    erlang:display(done).

%% The name of a call, and what makes it.
calls() ->
    [{term_to_binary, fun(N) -> T = terms(N), fun() -> byte_size(term_to_binary(T)) end end},
     {term_to_binary_of_binary, fun(N) -> B = bytes(40 * N), fun() -> byte_size(term_to_binary([B])) end end},
     {term_to_iovec, fun(N) -> T = terms(N), fun() -> iolist_size(erlang:term_to_iovec(T)) end end}].

try_one(Name, Call, Counter, Size) ->
    erlang:yield(),
    Before = counters:get(Counter, 1),
    Value = Call(),
    Turns = counters:get(Counter, 1) - Before,
    %% Little work need not take more than a turn.
    erlang:display({Name, Value, Turns > 1 orelse Size < 1000}),
    killed(Name, Call).

%% Whoever is killed in the middle is gone at once, and the others are told.
killed(Name, Call) ->
    {Pid, Monitor} = spawn_monitor(?MODULE, forever, [Call]),
    erlang:yield(), erlang:yield(), erlang:yield(),
    Pid ! a_message,
    exit(Pid, kill),
    Alive = is_process_alive(Pid),
    receive
        {'DOWN', Monitor, process, Pid, Reason} ->
            erlang:display({Name, Alive, Reason})
    end.

forever(Call) ->
    _ = Call(),
    forever(Call).

count(Counter) ->
    counters:add(Counter, 1, 1),
    erlang:yield(),
    count(Counter).

terms(N) -> [{I, <<I:64>>, [a, I / 2]} || I <- seq(N)].

bytes(N) -> list_to_binary([I band 255 || I <- seq(N)]).

seq(N) -> seq(N, []).
seq(0, L) -> L;
seq(N, L) -> seq(N - 1, [N | L]).
