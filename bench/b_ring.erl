%% Message passing: a token goes 1,500 times around a ring of 1,000 processes.
-module(b_ring).
-export([run/0, node_loop/1]).

run() ->
    First = lists:foldl(fun(_, Next) -> spawn(?MODULE, node_loop, [Next]) end, self(), lists:seq(1, 1000)),
    Hops = rounds(1500, First, 0),
    First ! stop,
    receive stop -> Hops end.

rounds(0, _, Hops) -> Hops;
rounds(N, First, Hops) ->
    First ! {token, Hops},
    receive {token, More} -> rounds(N - 1, First, More) end.

node_loop(Next) ->
    receive
        {token, Hops} -> Next ! {token, Hops + 1}, node_loop(Next);
        stop -> Next ! stop
    end.
