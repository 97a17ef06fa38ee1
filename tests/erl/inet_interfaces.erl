%% Network interfaces, names of services, the name of the host.
%% needs: OTP
-module(inet_interfaces).
-export([main/0]).
-include("show.hrl").

main() ->
    {ok, All} = inet:getifaddrs(),
    ?SHOW(All),
    ?SHOW(inet:getifaddrs([]) =:= {ok, All}),
    ?SHOW(inet:getif()),
    {ok, Names} = inet:getiflist(),
    ?SHOW(Names),
    Options = [addr, broadaddr, dstaddr, netmask, mtu, flags, hwaddr],
    [?SHOW({Name, inet:ifget(Name, Options)}) || {Name, _} <- All],
    ?SHOW(inet:ifget("nosuch", Options)),
    ?SHOW(inet:ifget("lo", [])),
    ?SHOW(inet:ifget("lo", [nonsense])),
    ?TRY(inet:ifget(12, [addr])),
    ?SHOW(inet:ifset("lo", [])),
    ?SHOW(inet:ifset("lo", [{nonsense, 1}])),
    [?TRY({Service, Protocol, inet:getservbyname(Service, Protocol)})
     || {Service, Protocol} <- [{http, tcp}, {"www", tcp}, {domain, udp}, {domain, "tcp"},
                                {"no such service", tcp}, {http, sctp}, {"", tcp}]],
    {ok, S} = gen_udp:open(0),
    [?SHOW({Port, Protocol, prim_inet:getservbyport(S, Port, Protocol)})
     || {Port, Protocol} <- [{80, tcp}, {53, udp}, {443, "tcp"}, {1, udp}, {70000, tcp}]],
    ?SHOW(inet:gethostname()),
    ?SHOW(inet:gethostname(S)),
    gen_udp:close(S),
    ?SHOW(inet_db:gethostname()),
    %% The same by way of the native library.
    ?SHOW(net:gethostname()),
    ?SHOW(net:getifaddrs(inet)),
    ?SHOW(net:getifaddrs(inet6)),
    ?SHOW(net:if_names()),
    ?SHOW(net:if_name2index("lo")),
    ?SHOW(net:if_name2index("nosuch")),
    ?SHOW(net:if_index2name(1)),
    ?SHOW(net:if_index2name(99999)),
    %% Names that need no server.
    ?SHOW(inet:gethostbyname("localhost")),
    ?SHOW(inet:gethostbyname({127, 0, 0, 1})),
    ?SHOW(inet:getaddr("127.0.0.1", inet)),
    ?SHOW(inet:getaddr("::1", inet6)),
    ?SHOW(inet:getaddr("::1", inet)),
    ?SHOW(inet:gethostbyname("no.such.host.invalid")),
    ?SHOW(gen_sctp:open()).
