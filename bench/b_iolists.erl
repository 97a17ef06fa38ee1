%% I/O lists: pages put together of nested pieces, sized and flattened.
-module(b_iolists).
-export([run/0]).

run() -> loop(700, 0).

loop(0, Sum) -> Sum;
loop(N, Sum) ->
    Page = page(lists:seq(1, 400), N),
    Size = iolist_size(Page),
    Binary = iolist_to_binary(Page),
    Size = byte_size(Binary),
    loop(N - 1, Sum + erlang:crc32(Binary) rem 1000 + length(binary_to_list(Binary)) + length(lists:flatten(["x" | Page])) rem 7).

page(Rows, N) ->
    ["<html><body>", <<"<table>">>, [row(Row, N) || Row <- Rows], <<"</table>">>, <<"</body></html>">>].

row(Row, N) ->
    ["<tr class=\"", case Row rem 2 of 0 -> "even"; 1 -> <<"odd">> end, $", $>,
     [[<<"<td>">>, integer_to_binary(Row * Column + N), "</td>"] || Column <- [1, 2, 3, 4]], "</tr>\n"].
