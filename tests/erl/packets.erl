%% erlang:decode_packet/3: each type of packet, whole, cut off and damaged.
-module(packets).
-export([main/0]).
t(T,B,O) -> erlang:display({T,B,O,try erlang:decode_packet(T,B,O) catch _:R -> R end}).
main() ->
 [t(T,B,[]) || T <- [raw,0,1,2,4,line,asn1,sunrm,cdr,fcgi,tpkt,ssl_tls,http,http_bin,httph,httph_bin,foo,3], B <- [<<>>,<<0>>,<<3,1,2,3,4>>,<<0,2,1,2,3>>,<<0,0,0,1,7,8>>,<<"abc\n">>,<<"ab">>]],
 [t(ssl_tls, <<128, 8, 1, 3, 1, 1, 2, 3, 4, 5, 6>>, [{packet_size, N}]) || N <- [4, 5, 6]],
 [t(ssl_tls, <<128, N, 1, 3, 1, 0>>, []) || N <- [3, 4, 5]],
 _ = [t(4,<<0,0,0,9,1>>,[{packet_size,5}]),t(2,<<1,0,1>>,[{packet_size,5}]),t(line,<<"abcdefgh\nxx">>,[{line_length,3}]),t(line,<<"abcdefgh">>,[{line_length,3}]),t(line,<<"ab,cd\n">>,[{line_delimiter,$,}]),t(line,<<"ab\r\ncd">>,[]),t(line,<<"abc">>,[{packet_size,2}]),t(4,<<255,255,255,255,1>>,[]), t(line,<<"abc\n">>,foo), t(line,foo,[]),t(line,<<"abc\n">>,[{foo,1}]),t(line,<<"abc\n">>,[foo]),t(1,<<1:4>>,[])],
 [t(asn1,B,[]) || B <- [<<16#30,3,1,2,3,4>>,<<16#30,16#81,2,1,2,3>>,<<16#30,16#80,1>>,<<16#1f,16#81,1,2,9,9,9>>,<<16#30,16#82,0,1,7,7>>,<<16#30>>,<<16#1f,16#81>>,<<16#30,16#85,1,1,1,1,1,1>>,<<16#30,5,1>>]],
 [t(sunrm,B,[]) || B <- [<<16#80,0,0,2,1,2,3>>,<<0,0,0,2,1,2,3>>,<<128,0,0>>]],
 [t(cdr,B,[]) || B <- [<<"GIOP",1,2,0,0,0,0,0,2,1,2,3>>,<<"GIOP",1,2,1,0,2,0,0,0,1,2,3>>,<<"GIOX",1,2,1,0,2,0,0,0,1,2,3>>,<<"GIOP",1>>]],
 [t(fcgi,B,[]) || B <- [<<1,1,0,1,0,3,2,0,"abcppq">>,<<2,1,0,1,0,3,2,0,"abcppq">>,<<1,1,0,1,0,3,2>>]],
 [t(tpkt,B,[]) || B <- [<<3,0,0,6,1,2,3>>,<<4,0,0,6,1,2,3>>,<<3,0,0,2,1,2>>,<<3,0>>]],
 [t(ssl_tls,B,[]) || B <- [<<22,3,1,0,2,1,2,3>>,<<22,3,1,0>>,<<128,5,1,3,1,9,9,9>>,<<1,2,3,4,5,6,7>>,<<21,3,3,0,0>>]],
 H = fun(B) -> [t(T,B,[])||T<-[http,http_bin]] end,
 [H(B) || B <- [<<"GET / HTTP/1.1\r\nHost: x\r\n">>,<<"GET /a?b HTTP/1.0\r\n">>,<<"POST http://host:80/path HTTP/1.1\n">>,<<"OPTIONS * HTTP/1.1\r\n">>,<<"FOO bar HTTP/1.1\r\n">>,<<"GET https://h/p HTTP/1.1\r\n">>,<<"CONNECT host:443 HTTP/1.1\r\n">>,<<"CONNECT host HTTP/1.1\r\n">>,<<"GET /x\r\n">>,<<"HTTP/1.1 200 OK\r\n">>,<<"HTTP/1.0 404 Not Found\r\n">>,<<"HTTP/1.1 200\r\n">>,<<"garbage\r\n">>,<<"\r\n">>,<<"GET / HTTP/1.1">>,<<"GET / HTTP/x.1\r\n">>,<<"  GET / HTTP/1.1\r\n">>,<<"HTTP/1.1 20 OK\r\n">>,<<"GET ftp://a/b HTTP/1.1\r\n">>,<<"GET http://h HTTP/1.1\r\n">>,<<"GET http://h:8x/ HTTP/1.1\r\n">>,<<"get / http/1.1\r\n">>,<<"GET  /  HTTP/1.1 \r\n">>,<<"PATCH /p HTTP/2.0\r\n">>,<<"HTTP/1.1 200 OK more  words \r\n">>,<<"GET mailto:x HTTP/1.1\r\n">>,<<"GET x HTTP/1.1\r\n">>,<<"\r\nGET / HTTP/1.1\r\n">>,<<"ICY 200 OK\r\n">>, <<"GET http://[::1]:80/a HTTP/1.1\r\n">>,<<"GET http:///a HTTP/1.1\r\n">>]],
 HH = fun(B) -> [t(T,B,[])||T<-[httph,httph_bin]] end,
 [HH(B) || B <- [<<"Host: example.com\r\n\r\n">>,<<"host:   x y  \r\nX">>,<<"X-Foo-BAR: 1\r\n\r\n">>,<<"content-type: text\r\n continued\r\n\r\n">>,<<"\r\nrest">>,<<"\n">>,<<"Foo\r\nX">>,<<": v\r\nX">>,<<"a:b\r\n">>,<<"a:b\r\nc">>,<<"Set-Cookie2: x\nY">>,<<"Content-MD5: q\r\nz">>,<<"WWW-Authenticate:\r\nz">>,<<"averyveryverylongheadername-thatis-long: x\r\nz">>,<<"te: x\r\nz">>,<<"Etag: x\r\nz">>,<<"x_y: 1\r\nz">>,<<"Foo bar: v\r\nz">>, <<"Keep-Alive: 5\r\nz">>,<<"x-y-z: 1\r\nz">>,<<"ab\tc: d\r\nz">>,<<"a : b\r\nz">>]],
 t(http,<<"GET /aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n">>,[{packet_size,10}]), t(http,<<"GET /aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n">>,[{line_length,10}]),
 [erlang:display({B,element(2,erlang:decode_packet(http_bin,<<B/binary,"\r\n">>,[]))})||B<-[<<"POST x HTTP/1.1">>,<<"TRACE x HTTP/1.1">>,<<"OPTIONS x HTTP/1.1">>,<<"get x HTTP/1.1">>,<<"G(T x HTTP/1.1">>,<<"GET HTTP/1.1">>,<<"GET  HTTP/1.1">>,<<"HTTP/1.1 OK">>,<<"GET / HTTP/11.22">>,<<"GET / HTTP/1.1 x">>,<<"GET /">>,<<"GET">>,<<"FOO /">>,<<"POST a:b HTTP/1.0">>,<<"GET / x">>]],
 [erlang:display(catch element(2,erlang:decode_packet(httph,<<B/binary,"\r\nx">>,[])))||B<-[<<"content--type: x">>,<<"-a--b---c-D: x">>,<<"--a: x">>,<<"very-long-name-of-fifty-bytes-aaaaaaaaaaaaaaaaaa-B: x">>,<<"very-long-name-of-more-bytes-aaaaaaaaaaaaaaaaaaaa-B: x">>,<<"averyveryverylongheadername-thatis-long: x">>,<<"abcdefghij-klmnopqrs: x">>,<<"abcdefghij-klmnopqrst: x">>,<<"abcdefghij-klmnopqr-u: x">>,<<"a\"b: x">>,<<"HOST: \t x">>]].
