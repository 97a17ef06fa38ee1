%% prim_buffer: bytes go in in pieces of any size and come out in others.
%% needs: preloaded modules
-module(prim_buffers).
-export([main/0]).
-include("show.hrl").

main() ->
    catch prim_buffer:on_load(),
    small(),
    large(),
    many(),
    finding(),
    locking(),
    mistakes().

small() ->
    B = prim_buffer:new(),
    ?SHOW({is_reference(B), prim_buffer:size(B)}),
    ?SHOW(prim_buffer:write(B, [<<"abc">>, <<>>, <<"defghi">>])),
    ?SHOW(prim_buffer:size(B)),
    ?SHOW(prim_buffer:read(B, 2)),
    ?SHOW(prim_buffer:read_iovec(B, 3)),
    ?SHOW(prim_buffer:skip(B, 1)),
    ?SHOW(prim_buffer:read(B, 0)),
    ?SHOW(prim_buffer:write(B, [])),
    ?SHOW(prim_buffer:size(B)),
    ?SHOW(prim_buffer:wipe(B)),
    ?SHOW(prim_buffer:size(B)),
    ?TRY(prim_buffer:read(B, id(1))).

%% Pieces that are shared, and others that are gathered: how the bytes are cut is the same.
large() ->
    B = prim_buffer:new(),
    Pieces = [binary:copy(<<N>>, Size) || {N, Size} <- [{1, 5000}, {2, 100}, {3, 900}, {4, 1100}, {5, 2}, {6, 2048}, {7, 64}]],
    ?SHOW([prim_buffer:write(B, [Piece]) || Piece <- Pieces]),
    ?SHOW(prim_buffer:size(B)),
    ?SHOW([byte_size(Part) || Part <- prim_buffer:read_iovec(B, 4000)]),
    ?SHOW([byte_size(Part) || Part <- prim_buffer:read_iovec(B, 700)]),
    ?SHOW([byte_size(Part) || Part <- prim_buffer:read_iovec(B, 1500)]),
    ?SHOW(erlang:md5(prim_buffer:read(B, 1700))),
    ?SHOW(erlang:md5(prim_buffer:read(B, prim_buffer:size(B)))),
    <<_:3, Part:3000/binary, _/bits>> = iolist_to_binary(Pieces),
    ?SHOW(prim_buffer:write(B, [Part, Part])),
    ?SHOW(prim_buffer:read(B, 6000) =:= <<Part/binary, Part/binary>>).

many() ->
    B = prim_buffer:new(),
    Bytes = [<<(I rem 256)>> || I <- lists:seq(1, 3000)],
    ?SHOW(prim_buffer:write(B, Bytes)),
    [prim_buffer:write(B, [Byte]) || Byte <- Bytes],
    ?SHOW(prim_buffer:size(B)),
    ?SHOW(prim_buffer:read(B, 6000) =:= iolist_to_binary([Bytes, Bytes])),
    Text = binary:copy(<<"line\n">>, 1000),
    prim_buffer:write(B, [Text]),
    ?SHOW(length(lines(B))).

lines(B) ->
    case prim_buffer:find_byte_index(B, $\n) of
        {ok, Index} ->
            Line = prim_buffer:read(B, Index + 1),
            [Line | lines(B)];
        not_found -> []
    end.

finding() ->
    B = prim_buffer:new(),
    ?SHOW(prim_buffer:find_byte_index(B, $a)),
    prim_buffer:write(B, [<<"xyz">>, binary:copy(<<0>>, 3000), <<"a">>]),
    ?SHOW([prim_buffer:find_byte_index(B, Byte) || Byte <- [$x, $z, 0, $a, $b]]).

locking() ->
    B = prim_buffer:new(),
    ?SHOW([prim_buffer:try_lock(B), prim_buffer:try_lock(B), prim_buffer:unlock(B), prim_buffer:try_lock(B), prim_buffer:unlock(B)]),
    ?TRY(prim_buffer:unlock(B)).

mistakes() ->
    B = prim_buffer:new(),
    prim_buffer:write(B, [<<"abc">>]),
    ?TRY(prim_buffer:size(id(make_ref()))),
    ?TRY(prim_buffer:size(id(foo))),
    ?TRY(prim_buffer:skip(B, id(4))),
    ?TRY(prim_buffer:skip(B, id(-1))),
    ?TRY(prim_buffer:skip(B, id(1 bsl 70))),
    ?TRY(prim_buffer:skip(B, id(a))),
    ?TRY(prim_buffer:write(B, id(foo))),
    ?TRY(prim_buffer:write(B, id([<<"a">>, b]))),
    ?TRY(prim_buffer:find_byte_index(B, id(256))),
    ?TRY(prim_buffer:find_byte_index(B, id(a))),
    ?TRY(prim_buffer:read(B, id(-1))),
    ?SHOW(prim_buffer:read(B, 3)).
