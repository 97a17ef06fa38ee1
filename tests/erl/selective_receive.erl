%% Selective receive: the order of the mailbox, guards, timeouts, messages kept for later.
-module(selective_receive).
-export([main/0]).
-include("show.hrl").

main() ->
    [self() ! M || M <- [one, {two, 2}, three, {four, 4}, five]],
    ?SHOW(receive {four, X1} -> X1 end),
    ?SHOW(receive three -> three end),
    ?SHOW(receive {_, X2} when X2 < 2 -> small; {_, X2} -> {large, X2} end),
    ?SHOW(receive _ = X3 -> X3 end),
    ?SHOW(flush()),
    ?SHOW(receive never -> never after 0 -> none end),
    ?SHOW(receive never -> never after 20 -> timeout end),
    self() ! late,
    ?SHOW(receive never -> never after 20 -> timeout end),
    ?SHOW(receive late -> late after 0 -> none end),
    ?SHOW(receive after 5 -> slept end),
    ?TRY(receive after id(-1) -> slept end),
    ?TRY(receive after id(atom) -> slept end),
    ?TRY(receive after id(1 bsl 40) -> slept end),
    self() ! now,
    ?SHOW(receive now -> now after infinity -> never end),
    self() ! now,
    ?SHOW(receive now -> now after id(infinity) -> never end),
    priority(),
    call(),
    many(id(1000)),
    nested(),
    timeout_with_traffic(),
    ?SHOW(flush()).

flush() ->
    receive M -> [M | flush()]
    after 0 -> []
    end.

%% Important messages first, by a receive with `after 0`.
priority() ->
    [self() ! {P, N} || {P, N} <- [{low, 1}, {high, 2}, {low, 3}, {high, 4}]],
    ?SHOW(important()).

important() ->
    receive {high, N} -> [{high, N} | important()]
    after 0 -> normal()
    end.

normal() ->
    receive {low, N} -> [{low, N} | normal()]
    after 0 -> []
    end.

%% A reply that carries a fresh reference (a receive marker in the compiled code).
call() ->
    Server = spawn(fun server/0),
    [self() ! noise || _ <- lists:seq(1, 50)],
    ?SHOW([rpc(Server, N) || N <- [1, 2, 3]]),
    ?SHOW(length(flush())),
    Server ! stop.

server() ->
    receive
        {From, Ref, N} -> From ! {Ref, N * N}, server();
        stop -> ok
    end.

rpc(Server, N) ->
    Ref = make_ref(),
    Server ! {self(), Ref, N},
    receive {Ref, Reply} -> Reply end.

%% From the back of a long mailbox to its front.
many(N) ->
    [self() ! {number, I} || I <- lists:seq(1, N)],
    Received = [receive {number, I} -> I end || I <- lists:seq(N, 1, -1)],
    ?SHOW({length(Received), hd(Received), lists:last(Received), lists:sum(Received)}).

nested() ->
    [self() ! M || M <- [b, c, a]],
    ?SHOW(receive
              a -> receive
                       c -> receive b -> {a, c, b} end
                   end
          end).

%% Messages that do not match must not start the timeout anew.
timeout_with_traffic() ->
    Self = self(),
    Pest = spawn(fun() -> pester(Self) end),
    Start = erlang:monotonic_time(millisecond),
    receive never -> never after 100 -> ok end,
    Took = erlang:monotonic_time(millisecond) - Start,
    exit(Pest, kill),
    ?SHOW({Took >= 100, Took < 1500}),
    timer_sleep(10),
    [] = [M || M <- flush(), M =/= pest],
    ok.

pester(Pid) ->
    Pid ! pest,
    timer_sleep(10),
    pester(Pid).

timer_sleep(Ms) -> receive after Ms -> ok end.
