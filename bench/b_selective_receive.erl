%% Selective receive: replies by reference behind a queue of other messages, and priorities picked out of a queue.
-module(b_selective_receive).
-export([run/0]).

run() ->
    Echo = spawn_link(fun echo/0),
    [self() ! {later, N} || N <- lists:seq(1, 20000)],
    Marked = marked(500000, Echo, 0),
    Later = flush(0),
    Picked = lists:sum([pick(400) || _ <- lists:seq(1, 150)]),
    unlink(Echo),
    exit(Echo, kill),
    {Marked, Later, Picked}.

echo() -> receive {From, Ref, N} -> From ! {Ref, N}, echo() end.

marked(0, _, Sum) -> Sum;
marked(N, Echo, Sum) ->
    Ref = make_ref(),
    Echo ! {self(), Ref, N},
    receive {Ref, Value} -> marked(N - 1, Echo, Sum + Value) end.

flush(Count) -> receive {later, _} -> flush(Count + 1) after 0 -> Count end.

%% The last message first: each receive passes all that are left.
pick(Count) ->
    [self() ! {item, N} || N <- lists:seq(1, Count)],
    backwards(Count, 0).

backwards(0, Sum) -> Sum;
backwards(N, Sum) -> receive {item, N} -> backwards(N - 1, Sum + N) end.
