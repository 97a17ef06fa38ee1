%% gen_tcp: active true, false, once and N; what is there already when a socket becomes active; the statistics of it.
%% needs: OTP
-module(tcp_active).
-export([main/0]).
-include("show.hrl").

main() ->
    once(),
    times(),
    bad_times(),
    closing(),
    owners(),
    statistics().

pair(Options) ->
    {ok, L} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}} | Options]),
    {ok, Port} = inet:port(L),
    {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {nodelay, true}]),
    {ok, A} = gen_tcp:accept(L),
    ok = gen_tcp:close(L),
    {A, C}.

done({A, C}) ->
    gen_tcp:close(C),
    gen_tcp:close(A).

flush(A) -> flush(A, 100).

flush(A, Time) ->
    receive
        {Tag, A, What} -> [{Tag, What} | flush(A, Time)];
        {Tag, A} -> [Tag | flush(A, Time)]
    after Time -> []
    end.

once() ->
    {A, C} = Pair = pair([binary, {packet, 1}, {active, once}]),
    ok = gen_tcp:send(C, <<1, "a", 1, "b", 1, "c">>),
    ?SHOW(flush(A)),
    ?SHOW(inet:getopts(A, [active])),
    ?SHOW(inet:setopts(A, [{active, once}])),
    ?SHOW(flush(A)),
    ?SHOW(gen_tcp:recv(A, 0)),
    ?SHOW(gen_tcp:recv(A, 0, 10)),
    ?SHOW(gen_tcp:recv(A, 0, 0)),
    ok = inet:setopts(A, [{active, true}]),
    ?SHOW(gen_tcp:recv(A, 0)),
    ok = gen_tcp:send(C, <<1, "d", 1, "e">>),
    ?SHOW(flush(A)),
    ok = inet:setopts(A, [{active, false}]),
    ok = gen_tcp:send(C, <<1, "f", 1, "g">>),
    ?SHOW(flush(A)),
    ok = inet:setopts(A, [{active, true}]),
    ?SHOW(flush(A)),
    done(Pair).

times() ->
    {A, C} = Pair = pair([binary, {packet, 1}, {active, 2}]),
    ?SHOW(inet:getopts(A, [active])),
    ok = gen_tcp:send(C, <<1, "a", 1, "b", 1, "c">>),
    ?SHOW(flush(A)),
    ?SHOW(inet:getopts(A, [active])),
    ok = inet:setopts(A, [{active, 3}]),
    ?SHOW(flush(A)),
    ?SHOW(inet:getopts(A, [active])),
    ok = inet:setopts(A, [{active, 5}]),
    ?SHOW(inet:getopts(A, [active])),
    ok = inet:setopts(A, [{active, -6}]),
    ?SHOW(inet:getopts(A, [active])),
    ok = inet:setopts(A, [{active, -2}]),
    ?SHOW(flush(A)),
    ?SHOW(inet:getopts(A, [active])),
    ok = inet:setopts(A, [{active, 3}]),
    ok = inet:setopts(A, [{active, once}]),
    ?SHOW(inet:getopts(A, [active])),
    ok = gen_tcp:send(C, <<1, "d", 1, "e">>),
    ?SHOW(flush(A)),
    ok = inet:setopts(A, [{active, 0}]),
    ?SHOW(flush(A)),
    ok = inet:setopts(A, [{active, true}]),
    ?SHOW(flush(A)),
    done(Pair).

bad_times() ->
    {A, _} = Pair = pair([binary, {active, 32767}]),
    ?SHOW(inet:setopts(A, [{active, 1}])),
    ?SHOW(inet:getopts(A, [active])),
    ?SHOW(inet:setopts(A, [{active, 32768}])),
    ?SHOW(inet:setopts(A, [{active, -32769}])),
    ?SHOW(inet:setopts(A, [{active, -32768}])),
    ?SHOW(inet:getopts(A, [active])),
    ?SHOW(flush(A)),
    ?SHOW(inet:setopts(A, [{active, often}])),
    done(Pair).

%% All data comes before the end; a passive socket learns of it when it asks or becomes active.
closing() ->
    {A, C} = pair([binary, {packet, 1}, {active, once}]),
    ok = gen_tcp:send(C, <<1, "a", 1, "b">>),
    gen_tcp:close(C),
    ?SHOW(flush(A)),
    ok = inet:setopts(A, [{active, once}]),
    ?SHOW(flush(A)),
    ok = inet:setopts(A, [{active, once}]),
    ?SHOW(flush(A)),
    ?SHOW(inet:setopts(A, [{active, once}])),
    ?SHOW(erlang:port_info(A)),
    {B, D} = pair([binary, {active, false}]),
    gen_tcp:send(D, "last"),
    gen_tcp:close(D),
    timer:sleep(20),
    ?SHOW(gen_tcp:recv(B, 4)),
    ?SHOW(gen_tcp:recv(B, 0)),
    ?SHOW(inet:setopts(B, [{active, true}])),
    ?SHOW(flush(B)),
    ?SHOW(erlang:port_info(B)),
    {E, F} = pair([binary, {active, 5}, {packet, 1}]),
    gen_tcp:send(F, <<1, "a", 1, "b", 3, "c">>),
    gen_tcp:close(F),
    ?SHOW(flush(E)).

%% A socket that changes hands.
owners() ->
    {A, C} = pair([binary, {active, true}, {packet, 1}]),
    Self = self(),
    {Pid, Ref} = spawn_monitor(fun() ->
                                receive go -> ok end,
                                Self ! {got, flush(A)},
                                {links, Links} = process_info(self(), links),
                                Self ! {linked, lists:member(A, Links)}
                        end),
    ok = gen_tcp:send(C, <<1, "x">>),
    timer:sleep(20),
    ?SHOW(gen_tcp:controlling_process(A, Pid)),
    ?SHOW(element(2, erlang:port_info(A, connected)) =:= Pid),
    ?SHOW(gen_tcp:controlling_process(A, self())),
    ok = gen_tcp:send(C, <<1, "y">>),
    timer:sleep(20),
    Pid ! go,
    ?SHOW(receive {got, Got} -> Got end),
    ?SHOW(receive {linked, Linked} -> Linked end),
    receive {'DOWN', Ref, _, _, Why} -> ?SHOW(Why) end,
    ?SHOW(erlang:port_info(A)),
    ?SHOW(gen_tcp:recv(C, 0)),
    ?SHOW(gen_tcp:controlling_process(A, self())),
    gen_tcp:close(C).

statistics() ->
    {A, C} = Pair = pair([binary, {packet, 2}, {active, true}]),
    ok = inet:setopts(C, [{packet, 2}]),
    [ok = gen_tcp:send(C, binary:copy(<<"x">>, N)) || N <- [0, 10, 100, 30]],
    ?SHOW(length(flush(A))),
    ?SHOW(inet:getstat(A)),
    ?SHOW(inet:getstat(C)),
    ?SHOW(inet:getstat(A, [recv_oct, recv_dvi, recv_cnt])),
    ?SHOW(inet:getstat(A, [foo])),
    ?SHOW([erlang:port_info(S, I) || S <- [A, C], I <- [input, output, name, queue_size]]),
    done(Pair).
