%% Every kind of term as a message, large messages, many messages, messages to the dead.
%% gcstress: small
-module(messages).
-export([main/0, main/1]).
-include("show.hrl").

main() -> run(100000).

main([small]) -> run(500).

run(N) ->
    Self = self(),
    Echo = spawn(fun Loop() -> receive stop -> ok; M -> Self ! {echo, M}, Loop() end end),
    Terms = [1, 1 bsl 100, 1.5, atom, [], [1, 2, 3], [a | b], "string", {}, {a, {b, [c]}}, #{}, #{a => #{b => c}}, <<>>, <<"small">>,
             binary:copy(<<"large">>, 100), <<1:3>>, self(), make_ref(), fun lists:map/2, fun(X) -> {X, Self} end,
             maps:from_list([{I, I} || I <- lists:seq(1, 50)]), lists:seq(1, 1000), lists:duplicate(100, <<"shared">>)],
    ?SHOW([begin Echo ! T, receive {echo, R} -> R =:= T end end || T <- Terms]),
    ?SHOW((Self ! id({sent, value})) =:= {sent, value}),
    ?SHOW(receive {sent, value} -> ok end),
    %% A message must be a copy: later changes of the sender's heap do not matter.
    Big = lists:seq(1, N),
    Echo ! Big,
    erlang:garbage_collect(),
    ?SHOW(receive {echo, Copy} -> {length(Copy), lists:sum(Copy), Copy =:= Big} end),
    [Echo ! {number, I} || I <- lists:seq(1, N)],
    ?SHOW(in_order(1, N)),
    Echo ! stop,
    Ref = monitor(process, Echo),
    receive {'DOWN', Ref, process, Echo, _} -> ok end,
    ?SHOW(Echo ! to_the_dead),
    ?SHOW(many_senders(100, N div 100)),
    ?SHOW(ping_pong(N div 10)),
    ?SHOW(literal_message()),
    ?SHOW(receive Any -> Any after 0 -> mailbox_empty end),
    ?TRY(id(not_registered) ! x),
    ?TRY(id("not a pid") ! x),
    ?TRY(erlang:send(id(12), x)),
    ?TRY(erlang:send(self(), x, id([bad_option]))),
    ?SHOW(erlang:send_nosuspend(self(), quick)),
    ?SHOW(receive quick -> ok after 0 -> none end).

in_order(I, N) when I > N -> in_order;
in_order(I, N) -> receive {echo, {number, I}} -> in_order(I + 1, N); {echo, Other} -> {expected, I, got, Other} end.

%% From each sender the messages come in order, whatever the others do.
many_senders(Senders, Each) ->
    Self = self(),
    Pids = [spawn(fun() -> [Self ! {self(), I} || I <- lists:seq(1, Each)] end) || _ <- lists:seq(1, Senders)],
    collect(maps:from_list([{P, 1} || P <- Pids]), Senders * Each, Each).

collect(Next, 0, Each) -> [S || S <- maps:values(Next), S =/= Each + 1];
collect(Next, Left, Each) ->
    receive {Pid, I} -> I = map_get(Pid, Next), collect(Next#{Pid := I + 1}, Left - 1, Each) end.

ping_pong(N) ->
    Self = self(),
    Pong = spawn(fun Loop() -> receive {ping, From, I} -> From ! {pong, I}, Loop(); stop -> Self ! stopped end end),
    Sum = lists:sum([begin Pong ! {ping, Self, I}, receive {pong, I} -> I end end || I <- lists:seq(1, N)]),
    Pong ! stop,
    receive stopped -> Sum end.

literal_message() ->
    Self = self(),
    spawn(fun() -> Self ! {literal, [1, 2, {three, "four", #{five => 6.0}}], <<"seven">>} end),
    receive {literal, _, _} = M -> M end.
