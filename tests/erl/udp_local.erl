%% Local datagram sockets: names of files, no names, hidden names; errors.
%% needs: OTP
-module(udp_local).
-export([main/0]).
-include("show.hrl").

main() ->
    Directory = "udp_local_" ++ os:getpid(),
    ok = file:make_dir(Directory),
    Name = fun(Text) -> filename:join(Directory, Text) end,
    try names(Name), hidden(), errors(Name)
    after
        [file:delete(Name(F)) || {ok, Fs} <- [file:list_dir(Directory)], F <- Fs],
        file:del_dir(Directory)
    end.

%% Without the directory, which differs.
short({local, <<0, _/binary>>}) -> hidden;
short({local, Name}) -> {local, filename:basename(Name)};
short(Other) -> Other.

got(S) ->
    receive {udp, S, From, Port, Data} -> {short(From), Port, Data}
    after 300 -> nothing
    end.

names(Name) ->
    {ok, A} = gen_udp:open(0, [{ifaddr, {local, Name("a")}}]),
    {ok, B} = gen_udp:open(0, [{ifaddr, {local, list_to_binary(Name("b"))}}, binary]),
    {ok, C} = gen_udp:open(0, [local]),
    {ok, NameA} = inet:sockname(A),
    ?SHOW(short(NameA)),
    ?SHOW(inet:sockname(C)),
    ?SHOW(gen_udp:send(A, {local, Name("b")}, 0, "from a")),
    ?SHOW(got(B)),
    ?SHOW(gen_udp:send(B, {local, Name("a")}, 0, <<"from b">>)),
    ?SHOW(got(A)),
    ?SHOW(gen_udp:send(C, {local, Name("a")}, 0, <<"from c">>)),
    ?SHOW(got(A)),
    ?SHOW(gen_udp:send(C, {local, Name("a")}, 1, <<"with a port">>)),
    ?SHOW(got(A)),
    ?SHOW(gen_udp:connect(C, {local, Name("b")}, 0)),
    ?SHOW(gen_udp:send(C, <<"connected">>)),
    ?SHOW(got(B)),
    {ok, Peer} = inet:peername(C),
    ?SHOW(short(Peer)),
    %% As lists: OTP 25 takes long names apart wrongly otherwise.
    ?SHOW(inet:setopts(B, [{active, false}, list])),
    ?SHOW(gen_udp:send(A, {local, Name("b")}, 0, <<>>)),
    {ok, {From, 0, Data}} = gen_udp:recv(B, 0, 1000),
    ?SHOW({short(From), Data}),
    ?SHOW(inet:getopts(A, [active, mode])),
    ?SHOW(prim_inet:gettype(A)),
    ?SHOW(gen_udp:open(0, [{ifaddr, {local, Name("a")}}])),
    [gen_udp:close(S) || S <- [A, B, C]],
    ?SHOW(filelib:is_file(Name("a"))),
    ?SHOW(gen_udp:open(0, [{ifaddr, {local, Name("a")}}])).

hidden() ->
    Hidden = <<0, "udp_local ", (list_to_binary(os:getpid()))/binary>>,
    {ok, A} = gen_udp:open(0, [{ifaddr, {local, Hidden}}]),
    {ok, B} = gen_udp:open(0, [{ifaddr, {local, <<>>}}]),
    ?SHOW(inet:sockname(A) =:= {ok, {local, Hidden}}),
    {ok, NameB} = inet:sockname(B),
    ?SHOW(short(NameB)),
    ?SHOW(gen_udp:send(B, {local, Hidden}, 0, "hello")),
    ?SHOW(got(A)),
    gen_udp:close(A),
    ?SHOW(gen_udp:send(B, {local, Hidden}, 0, "hello")),
    gen_udp:close(B).

errors(Name) ->
    {ok, A} = gen_udp:open(0, [local]),
    ?SHOW(gen_udp:send(A, {local, Name("nobody")}, 0, "x")),
    ?SHOW(gen_udp:connect(A, {local, Name("nobody")}, 0)),
    ?TRY(gen_udp:send(A, {local, lists:duplicate(200, $a)}, 0, "x")),
    ?TRY(gen_udp:send(A, {local, lists:duplicate(300, $a)}, 0, "x")),
    ?TRY(gen_udp:send(A, {127,0,0,1}, 9, "x")),
    ?TRY(gen_udp:open(0, [{ifaddr, {local, Name("no/such/directory")}}])),
    ?TRY(gen_udp:open(0, [{ifaddr, {local, lists:duplicate(107, $a) ++ "/b"}}])),
    ?TRY(gen_udp:open(1, [local])),
    ?TRY(gen_udp:open(0, [inet, {ifaddr, {local, Name("x")}}])),
    gen_udp:close(A).
