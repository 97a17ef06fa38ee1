%% Two processes that wait for each other: the cost of a switch.
-module(b_ping_pong).
-export([run/0]).

run() ->
    Self = self(),
    Pong = spawn_link(fun() -> pong(Self) end),
    Count = ping(1000000, Pong, 0),
    unlink(Pong),
    exit(Pong, kill),
    Count.

ping(0, _, Count) -> Count;
ping(N, Pong, Count) ->
    Pong ! ping,
    receive pong -> ping(N - 1, Pong, Count + 1) end.

pong(Ping) ->
    receive ping -> Ping ! pong, pong(Ping) end.
