%% iodata: nested lists of bytes and binaries, their size, flattening, errors.
-module(iolists).
-export([main/0]).
-include("show.hrl").

main() ->
    Data = id([1, [2, <<3, 4>>, [], [[5]]], <<>>, "six" | <<"end">>]),
    ?SHOW(iolist_size(Data)),
    ?SHOW(iolist_to_binary(Data)),
    ?SHOW(list_to_binary(Data)),
    ?SHOW(iolist_to_binary(id(<<"already">>))),
    ?SHOW(iolist_size(id(<<"already">>))),
    ?SHOW(iolist_to_binary(id([]))),
    ?SHOW(iolist_to_binary(id([[], [[]], <<>>]))),
    ?SHOW(iolist_size(id([]))),
    ?SHOW(iolist_to_binary(erlang:iolist_to_iovec(Data))),
    ?SHOW(erlang:iolist_to_iovec(id([]))),
    Page = html(id([{"one", 1}, {"two", 2}])),
    ?SHOW(iolist_to_binary(Page)),
    ?SHOW(iolist_size(Page)),
    Deep = lists:foldl(fun(I, Acc) -> [Acc, I rem 256] end, [], lists:seq(1, 100000)),
    ?SHOW(iolist_size(Deep)),
    ?SHOW(erlang:crc32(iolist_to_binary(Deep))),
    Right = lists:foldl(fun(I, Acc) -> [I rem 256 | Acc] end, <<"tail">>, lists:seq(1, 100000)),
    ?SHOW(iolist_size(Right)),
    ?SHOW(erlang:md5(Right)),
    Wide = lists:duplicate(1000, [<<"abc">>, "def", $g]),
    ?SHOW(iolist_size(Wide)),
    ?SHOW(erlang:md5(Wide) =:= erlang:md5(iolist_to_binary(Wide))),
    ?SHOW(erlang:adler32(Wide)),
    ?TRY(iolist_to_binary(id([256]))),
    ?TRY(iolist_to_binary(id([-1]))),
    ?TRY(iolist_to_binary(id([a]))),
    ?TRY(iolist_to_binary(id([1 | 2]))),
    ?TRY(iolist_to_binary(id([1.0]))),
    ?TRY(iolist_to_binary(id([{}]))),
    ?TRY(iolist_to_binary(id(atom))),
    ?TRY(iolist_to_binary(id(65))),
    ?TRY(iolist_to_binary(id([<<1:1>>]))),
    ?TRY(iolist_size(id([<<1:1>>]))),
    ?TRY(iolist_size(id([a]))),
    ?TRY(list_to_binary(id(<<"not a list">>))),
    ?TRY(list_to_binary(id("caf\x{e9}"))),
    ?TRY(list_to_binary(id([1234]))).

html(Rows) ->
    ["<table>", [["<tr><td>", Name, "</td><td>", integer_to_list(N), <<"</td></tr>">>] || {Name, N} <- Rows], "</table>"].
