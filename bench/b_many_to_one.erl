%% Messages of many processes to one, which falls behind, and its answers to each.
-module(b_many_to_one).
-export([run/0]).

run() ->
    Self = self(),
    Senders = [spawn_link(fun() -> sender(Self, 7000) end) || _ <- lists:seq(1, 300)],
    [Sender ! go || Sender <- Senders],
    collect(300, 0, 0).

sender(To, Count) -> receive go -> send(To, Count) end.

send(To, 0) -> To ! {done, self()};
send(To, N) ->
    To ! {self(), N, [some, "payload", N]},
    case N rem 100 of
        0 -> receive answer -> send(To, N - 1) end;
        _ -> send(To, N - 1)
    end.

collect(0, Count, Sum) -> {Count, Sum};
collect(Left, Count, Sum) ->
    receive
        {done, _} -> collect(Left - 1, Count, Sum);
        {From, N, _} when N rem 100 =:= 0 -> From ! answer, collect(Left, Count + 1, Sum + N);
        {_, N, _} -> collect(Left, Count + 1, Sum + N)
    end.
