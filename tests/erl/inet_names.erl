%% Names of hosts by OTP's own resolver, from a server of ours and from files: what a domain's programs do.
%% needs: OTP
-module(inet_names).
-export([main/0]).
-include("show.hrl").

%% Response codes.
-define(NOERROR, 0).
-define(NXDOMAIN, 3).

main() ->
    {ok, Udp} = gen_udp:open(0, [binary, {ip, {127,0,0,1}}, {active, false}]),
    {ok, Port} = inet:port(Udp),
    {ok, Tcp} = gen_tcp:listen(Port, [binary, {ip, {127,0,0,1}}, {packet, 2}, {active, false}, {reuseaddr, true}]),
    spawn_link(fun() -> datagrams(Udp) end),
    spawn_link(fun() -> streams(Tcp) end),
    inet_db:set_lookup([file, dns]),
    %% Not the host's files.
    inet_db:res_option(resolv_conf, ""),
    inet_db:res_option(hosts_file, ""),
    inet_db:res_option(nameservers, [{{127,0,0,1}, Port}]),
    inet_db:res_option(search, ["example.org"]),
    inet_db:res_option(retry, 2),
    inet_db:res_option(timeout, 300),
    addresses(),
    records(),
    searched(),
    failures(),
    fallen_back(),
    files(),
    inet_db:set_lookup([native]).

addresses() ->
    ?SHOW(inet:getaddr("one.example.org", inet)),
    ?SHOW(inet:getaddr("one.example.org", inet6)),
    ?SHOW(inet:getaddrs("two.example.org", inet)),
    ?SHOW(inet:gethostbyname("alias.example.org")),
    ?SHOW(inet:gethostbyname('one.example.org')),
    ?SHOW(inet:getaddr({1,2,3,4}, inet)),
    ?SHOW(inet:getaddr("1.2.3.4", inet)),
    ?SHOW(inet:gethostbyaddr({10,0,0,1})),
    ?SHOW(inet:gethostbyaddr("10.0.0.1")).

records() ->
    ?SHOW(inet_res:lookup("one.example.org", in, a)),
    ?SHOW(inet_res:lookup("example.org", in, mx)),
    ?SHOW(inet_res:lookup("one.example.org", in, txt)),
    ?SHOW(inet_res:lookup("_http._tcp.example.org", in, srv)),
    ?SHOW(inet_res:lookup("one.example.org", in, ns)).

searched() ->
    ?SHOW(inet:getaddr("one", inet)),
    ?SHOW(inet:getaddr("one.", inet)),
    ?SHOW(inet:getaddr("nobody", inet)).

failures() ->
    ?SHOW(inet:getaddr("nobody.example.org", inet)),
    ?SHOW(inet:getaddr("silent.example.org", inet)),
    ?SHOW(inet:getaddr("broken.example.org", inet)),
    ?TRY(inet:getaddr("", inet)),
    ?SHOW(inet:getaddr("name with spaces", inet)),
    {ok, S} = gen_udp:open(0, [{ip, {127,0,0,1}}]),
    {ok, Port} = inet:port(S),
    gen_udp:close(S),
    ?SHOW(inet_res:resolve("one.example.org", in, a, [{nameservers, [{{127,0,0,1}, Port}]}])),
    ?SHOW(inet_res:resolve("one.example.org", in, a, [{nameservers, []}])).

%% An answer that is too long for a datagram comes over a connection.
fallen_back() ->
    ?SHOW(length(inet_res:lookup("many.example.org", in, a))),
    ?SHOW(inet_res:lookup("one.example.org", in, a, [{usevc, true}])).

files() ->
    File = filename:absname("inet_names_" ++ os:getpid()),
    ok = file:write_file(File, "# names\n10.9.9.9\tfiled.example.net filed\n::9 filed6\n"),
    ?SHOW(inet_db:res_option(hosts_file, File)),
    ?SHOW(inet:gethostbyname("filed")),
    ?SHOW(inet:getaddr("filed6", inet6)),
    ?SHOW(inet:gethostbyaddr({10,9,9,9})),
    ok = file:write_file(File, "search example.net example.org\nnameserver 10.1.1.1\nnameserver ::1\n"),
    ?SHOW(inet_db:res_option(resolv_conf, File)),
    ?SHOW(inet_db:res_option(nameservers)),
    ?SHOW(inet_db:res_option(search)),
    ok = file:delete(File).

%% The server.

datagrams(Socket) ->
    {ok, {Ip, Port, Query}} = gen_udp:recv(Socket, 0),
    case answer(Query, 512) of
        nothing -> ok;
        Bytes -> gen_udp:send(Socket, Ip, Port, Bytes)
    end,
    datagrams(Socket).

streams(Listen) ->
    {ok, Socket} = gen_tcp:accept(Listen),
    case gen_tcp:recv(Socket, 0, 1000) of
        {ok, Query} -> gen_tcp:send(Socket, answer(Query, 65535));
        _ -> ok
    end,
    gen_tcp:close(Socket),
    streams(Listen).

answer(Bytes, Limit) ->
    {ok, Query} = inet_dns:decode(Bytes),
    [Question] = inet_dns:msg(Query, qdlist),
    {Name, Type} = {inet_dns:dns_query(Question, domain), inet_dns:dns_query(Question, type)},
    case answers(string:lowercase(Name), Type) of
        silent -> nothing;
        broken -> <<"broken">>;
        Found ->
            Code = case Found of none -> ?NXDOMAIN; _ -> ?NOERROR end,
            Records = case Found of none -> []; _ -> Found end,
            case encoded(Query, Question, Code, Records, false) of
                Long when byte_size(Long) > Limit -> encoded(Query, Question, Code, [], true);
                Fits -> Fits
            end
    end.

encoded(Query, Question, Code, Records, Truncated) ->
    Head = inet_dns:make_header([{id, inet_dns:header(inet_dns:msg(Query, header), id)}, {qr, true}, {opcode, 'query'},
                                 {aa, false}, {tc, Truncated}, {rd, true}, {ra, true}, {pr, false}, {rcode, Code}]),
    Message = inet_dns:make_msg([{header, Head}, {qdlist, [Question]}, {anlist, Records}, {nslist, []}, {arlist, []}]),
    inet_dns:encode(Message).

answers("silent.example.org", _) -> silent;
answers("broken.example.org", _) -> broken;
answers("many.example.org", a) -> [record("many.example.org", a, {10,7,N,1}) || N <- lists:seq(1, 100)];
answers("alias.example.org" = Name, Type) when Type =:= a; Type =:= aaaa ->
    [record(Name, cname, "one.example.org") | answers("one.example.org", Type)];
answers(Name, Type) ->
    All = [{"one.example.org", a, {10,0,0,1}}, {"one.example.org", aaaa, {0,0,0,0,0,0,0,1}},
           {"one.example.org", txt, ["some", "text"]}, {"two.example.org", a, {10,0,0,2}},
           {"two.example.org", a, {10,0,0,3}}, {"example.org", mx, {10, "mail.example.org"}},
           {"_http._tcp.example.org", srv, {1, 2, 8080, "one.example.org"}},
           {"1.0.0.10.in-addr.arpa", ptr, "one.example.org"}],
    case [record(Name, Type, Data) || {N, T, Data} <- All, N =:= Name, T =:= Type] of
        [] -> case lists:keymember(Name, 1, All) of true -> []; false -> none end;
        Records -> Records
    end.

record(Name, Type, Data) ->
    inet_dns:make_rr([{domain, Name}, {class, in}, {type, Type}, {ttl, 0}, {data, Data}]).
