%% A ring of 1,000 processes through which a token travels.
%% gcstress: small
-module(ring).
-export([main/0, main/1, node_loop/2]).

main() -> run(1000, 100).

main([small]) -> run(100, 3).

run(Size, Rounds) ->
    Self = self(),
    First = build(Size, Self),
    First ! {token, 0},
    Total = rounds(First, Rounds),
    erlang:display({processes, Size, rounds, Rounds, token_passed, Total}),
    First ! stop,
    receive stop -> erlang:display(ring_stopped) end,
    erlang:display({mailbox, process_info(self(), message_queue_len)}).

%% Builds from the last node, which passes on to us, to the first.
build(0, Next) -> Next;
build(N, Next) -> build(N - 1, spawn(?MODULE, node_loop, [Next, N])).

rounds(First, 1) ->
    receive {token, Hops} -> First ! last, receive last -> Hops end end;
rounds(First, Left) ->
    receive {token, Hops} -> First ! {token, Hops}, rounds(First, Left - 1) end.

node_loop(Next, Number) ->
    receive
        {token, Hops} -> Next ! {token, Hops + 1}, node_loop(Next, Number);
        stop -> Next ! stop;
        Other -> Next ! Other, node_loop(Next, Number)
    end.
