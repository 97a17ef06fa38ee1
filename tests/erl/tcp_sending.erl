%% gen_tcp: what waits to be sent: watermarks, busy ports, time-outs, delayed sending, and who is told when it is gone.
%% needs: OTP
-module(tcp_sending).
-export([main/0]).
-include("show.hrl").

main() ->
    plain(),
    watermarks(),
    busy(),
    timeouts(),
    delayed(),
    subscribers(),
    many_senders(),
    commands(),
    files().

pair(Options) ->
    {ok, L} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}, binary, {active, false}, {recbuf, 4096}]),
    {ok, Port} = inet:port(L),
    {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false} | Options]),
    {ok, A} = gen_tcp:accept(L),
    ok = gen_tcp:close(L),
    {A, C}.

done({A, C}) ->
    gen_tcp:close(C),
    gen_tcp:close(A).

%% Reads N bytes.
drain(_, 0) -> ok;
drain(A, N) ->
    {ok, B} = gen_tcp:recv(A, min(N, 100000)),
    drain(A, N - byte_size(B)).

%% More than the world takes.
flood() -> binary:copy(<<"0123456789">>, 1000000).

plain() ->
    {A, C} = Pair = pair([]),
    ?SHOW(gen_tcp:send(C, [])),
    ?SHOW(gen_tcp:send(C, <<>>)),
    ?SHOW(gen_tcp:send(C, ["a", [<<"b">>, 99 | <<"d">>]])),
    ?SHOW(gen_tcp:recv(A, 4)),
    ?SHOW(gen_tcp:send(C, [256])),
    ?SHOW(gen_tcp:send(C, foo)),
    ?SHOW(gen_tcp:send(C, [<<1:4>>])),
    Long = binary:copy(<<"long">>, 1000),
    ?SHOW(gen_tcp:send(C, [Long, "x", binary:part(Long, 1, 2000), <<1:3, Long/binary, 1:5>>])),
    ?SHOW((fun() -> {ok, B} = gen_tcp:recv(A, 4000 + 1 + 2000 + 4001), erlang:phash2(B) end)()),
    done(Pair).

%% From so many queued bytes on who sends waits until there are so few.
watermarks() ->
    {A, C} = Pair = pair([{high_watermark, 100}, {low_watermark, 50}]),
    ?SHOW(inet:getopts(C, [high_watermark, low_watermark])),
    ?SHOW(gen_tcp:send(C, flood())),
    Self = self(),
    ?SHOW((fun() -> {ok, [{send_pend, N}]} = inet:getstat(C, [send_pend]), N > 0 end)()),
    ?SHOW((fun() -> {queue_size, N} = erlang:port_info(C, queue_size), N > 0 end)()),
    spawn_link(fun() -> Self ! {sent, gen_tcp:send(C, "more")} end),
    ?SHOW(receive {sent, R1} -> R1 after 50 -> waits end),
    ?SHOW((fun() -> {ok, S} = prim_inet:getstatus(C), S end)()),
    drain(A, 10000000),
    ?SHOW(receive {sent, R2} -> R2 end),
    ?SHOW(gen_tcp:recv(A, 4)),
    ?SHOW((fun() -> {ok, S} = prim_inet:getstatus(C), S end)()),
    ?SHOW(inet:setopts(C, [{high_watermark, 10}])),
    ?SHOW(inet:getopts(C, [high_watermark, low_watermark])),
    ?SHOW(inet:setopts(C, [{low_watermark, 20}])),
    ?SHOW(inet:getopts(C, [high_watermark, low_watermark])),
    ?SHOW(inet:setopts(C, [{high_watermark, -1}])),
    ?SHOW(inet:getopts(C, [high_watermark, low_watermark])),
    ?SHOW(inet:setopts(C, [{high_msgq_watermark, 20}, {low_msgq_watermark, 10}])),
    ?SHOW(inet:getopts(C, [high_msgq_watermark, low_msgq_watermark])),
    ?SHOW(inet:setopts(C, [{high_msgq_watermark, 0}])),
    done(Pair).

busy() ->
    {A, C} = Pair = pair([{high_watermark, 10}, {low_watermark, 5}]),
    ok = gen_tcp:send(C, flood()),
    Self = self(),
    spawn_link(fun() -> Self ! {first, gen_tcp:send(C, "first waits ")} end),
    timer:sleep(20),
    spawn_link(fun() -> Self ! {second, gen_tcp:send(C, "second waits")} end),
    timer:sleep(20),
    ?SHOW(erlang:port_command(C, "no", [nosuspend])),
    ?SHOW(prim_inet:send(C, "no", [nosuspend])),
    Victim = spawn(fun() -> gen_tcp:send(C, "never sent") end),
    timer:sleep(20),
    exit(Victim, kill),
    drain(A, 10000000),
    ?SHOW(receive {first, R3} -> R3 end),
    ?SHOW(receive {second, R4} -> R4 end),
    ?SHOW(gen_tcp:recv(A, 24)),
    ?SHOW(gen_tcp:recv(A, 0, 50)),
    %% The other end closes while somebody waits.
    ok = gen_tcp:send(C, flood()),
    spawn_link(fun() -> Self ! {third, gen_tcp:send(C, "in vain")} end),
    timer:sleep(20),
    spawn_link(fun() -> Self ! {fourth, gen_tcp:send(C, "in vain")} end),
    timer:sleep(20),
    gen_tcp:close(A),
    ?SHOW(receive {third, R5} -> R5 end),
    ?SHOW(receive {fourth, R6} -> lists:member(R6, [{error, closed}, {error, enotconn}]) end),
    done(Pair).

timeouts() ->
    {_, C} = Pair = pair([{high_watermark, 10}, {low_watermark, 5}, {send_timeout, 30}]),
    ok = gen_tcp:send(C, flood()),
    ?SHOW(gen_tcp:send(C, "x")),
    ?SHOW(gen_tcp:send(C, "y")),
    ?SHOW((fun() -> {ok, S} = prim_inet:getstatus(C), S end)()),
    ok = inet:setopts(C, [{send_timeout, 0}]),
    ?SHOW(gen_tcp:send(C, "z")),
    ok = inet:setopts(C, [{send_timeout_close, true}, {send_timeout, 10}]),
    ?SHOW(gen_tcp:send(C, "z")),
    ?SHOW((fun() -> {ok, S} = prim_inet:getstatus(C), S end)()),
    ?SHOW(gen_tcp:send(C, "z")),
    ?SHOW(gen_tcp:recv(C, 0)),
    done(Pair).

delayed() ->
    {A, C} = Pair = pair([{delay_send, true}, {packet, 1}]),
    ?SHOW([gen_tcp:send(C, [N]) || N <- lists:seq(1, 5)]),
    ?SHOW(gen_tcp:recv(A, 10)),
    ok = inet:setopts(C, [{delay_send, false}]),
    ?SHOW(gen_tcp:send(C, "now")),
    ?SHOW(gen_tcp:recv(A, 4)),
    ok = inet:setopts(C, [{delay_send, true}]),
    ok = gen_tcp:send(C, "end"),
    gen_tcp:close(C),
    ?SHOW(gen_tcp:recv(A, 4)),
    ?SHOW(gen_tcp:recv(A, 0)),
    done(Pair).

subscribers() ->
    {A, C} = Pair = pair([]),
    ?SHOW(prim_inet:getstat(C, [send_pend])),
    ok = gen_tcp:send(C, flood()),
    Self = self(),
    spawn_link(fun() -> drain(A, 10000000), Self ! drained, receive stop -> ok end end),
    ?SHOW(gen_tcp:controlling_process(A, self())),
    %% Closing waits for what is queued.
    ?SHOW(gen_tcp:close(C)),
    ?SHOW(receive drained -> drained end),
    done(Pair).

%% Nothing is lost and nothing mixed.
many_senders() ->
    {A, C} = Pair = pair([{packet, 2}, {high_watermark, 1000}, {low_watermark, 100}]),
    ok = inet:setopts(A, [{packet, 2}]),
    Count = 20,
    [spawn_link(fun() -> [ok = gen_tcp:send(C, [N, binary:copy(<<I>>, 1000)]) || I <- lists:seq(1, 50)] end)
     || N <- lists:seq(1, Count)],
    Got = [begin {ok, <<N, I, R:999/binary>>} = gen_tcp:recv(A, 0), R = binary:copy(<<I>>, 999), {N, I} end
           || _ <- lists:seq(1, Count * 50)],
    ?SHOW([[I || {M, I} <- Got, M =:= N] =:= lists:seq(1, 50) || N <- lists:seq(1, Count)]),
    done(Pair).

%% The port as other ports are used.
commands() ->
    {A, C} = Pair = pair([]),
    C ! {self(), {command, "by message"}},
    ?SHOW(gen_tcp:recv(A, 10)),
    ?SHOW(receive {inet_reply, C, R7} -> R7 after 100 -> nothing end),
    ?SHOW(erlang:port_command(C, "x", [force])),
    ?SHOW(receive {inet_reply, C, R8} -> R8 after 100 -> nothing end),
    ?TRY(erlang:port_control(C, 1, [])),
    ?TRY(erlang:port_call(C, 1, [])),
    ?SHOW(prim_inet:setopts(C, [])),
    ?SHOW(prim_inet:getopts(C, [])),
    C ! {self(), close},
    ?SHOW(receive {C, closed} -> closed end),
    ?SHOW(gen_tcp:recv(A, 0)),
    ?SHOW(gen_tcp:recv(A, 0)),
    done(Pair).

files() ->
    {A, C} = Pair = pair([]),
    Name = "tcp_sending.file",
    ok = file:write_file(Name, lists:seq(0, 255)),
    ?SHOW(file:sendfile(Name, C)),
    ?SHOW((fun() -> {ok, B} = gen_tcp:recv(A, 256), binary_to_list(B) =:= lists:seq(0, 255) end)()),
    {ok, File} = file:open(Name, [read, raw, binary]),
    ?SHOW(file:sendfile(File, C, 10, 5, [])),
    ?SHOW(gen_tcp:recv(A, 5)),
    ?SHOW(file:sendfile(File, C, 250, 50, [])),
    ?SHOW(gen_tcp:recv(A, 6)),
    file:close(File),
    ?SHOW(file:sendfile("no such file", C)),
    file:delete(Name),
    done(Pair).
