%% A document as JSON: an encoder to I/O lists and a decoder by binary matching, as libraries write them.
-module(b_json).
-export([run/0]).

run() ->
    Document = [document(N) || N <- lists:seq(1, 300)],
    loop(100, Document, 0).

document(N) ->
    #{<<"id">> => N, <<"name">> => <<"Item \"", (integer_to_binary(N))/binary, "\"">>, <<"price">> => N * 1.25, <<"active">> => N rem 2 =:= 0,
      <<"tags">> => [<<"first">>, <<"second">>, <<"tab\there">>], <<"parent">> => null,
      <<"dimensions">> => #{<<"width">> => N + 1, <<"height">> => N * 2, <<"depth">> => -N}}.

loop(0, _, Sum) -> Sum;
loop(N, Document, Sum) ->
    Text = iolist_to_binary(encode(Document)),
    {Back, <<>>} = value(Text),
    true = Back =:= Document,
    loop(N - 1, Document, Sum + byte_size(Text)).

encode(true) -> <<"true">>;
encode(false) -> <<"false">>;
encode(null) -> <<"null">>;
encode(I) when is_integer(I) -> integer_to_binary(I);
encode(F) when is_float(F) -> float_to_binary(F, [short]);
encode(B) when is_binary(B) -> [$", escape(B, <<>>), $"];
encode([]) -> <<"[]">>;
encode([First | Rest]) -> [$[, encode(First), [[$, | encode(V)] || V <- Rest], $]];
encode(M) when is_map(M) ->
    [{K1, V1} | Rest] = maps:to_list(M),
    [${, member(K1, V1), [[$, | member(K, V)] || {K, V} <- Rest], $}].

member(K, V) -> [encode(K), $: | encode(V)].

escape(<<$", Rest/binary>>, Acc) -> escape(Rest, <<Acc/binary, $\\, $">>);
escape(<<$\\, Rest/binary>>, Acc) -> escape(Rest, <<Acc/binary, $\\, $\\>>);
escape(<<$\t, Rest/binary>>, Acc) -> escape(Rest, <<Acc/binary, $\\, $t>>);
escape(<<C, Rest/binary>>, Acc) -> escape(Rest, <<Acc/binary, C>>);
escape(<<>>, Acc) -> Acc.

value(<<C, Rest/binary>>) when C =:= $\s; C =:= $\n; C =:= $\t; C =:= $\r -> value(Rest);
value(<<"true", Rest/binary>>) -> {true, Rest};
value(<<"false", Rest/binary>>) -> {false, Rest};
value(<<"null", Rest/binary>>) -> {null, Rest};
value(<<$", Rest/binary>>) -> string(Rest, <<>>);
value(<<"[]", Rest/binary>>) -> {[], Rest};
value(<<$[, Rest/binary>>) -> array(Rest, []);
value(<<${, Rest/binary>>) -> object(Rest, []);
value(<<Text/binary>>) -> number(Text, 0, integer, Text).

string(<<$", Rest/binary>>, Acc) -> {Acc, Rest};
string(<<$\\, $t, Rest/binary>>, Acc) -> string(Rest, <<Acc/binary, $\t>>);
string(<<$\\, C, Rest/binary>>, Acc) -> string(Rest, <<Acc/binary, C>>);
string(<<C, Rest/binary>>, Acc) -> string(Rest, <<Acc/binary, C>>).

array(Text, Acc) ->
    case value(Text) of
        {V, <<$,, Rest/binary>>} -> array(Rest, [V | Acc]);
        {V, <<$], Rest/binary>>} -> {lists:reverse([V | Acc]), Rest}
    end.

object(Text, Acc) ->
    {K, <<$:, More/binary>>} = value(Text),
    case value(More) of
        {V, <<$,, Rest/binary>>} -> object(Rest, [{K, V} | Acc]);
        {V, <<$}, Rest/binary>>} -> {maps:from_list([{K, V} | Acc]), Rest}
    end.

number(<<C, Rest/binary>>, Length, Kind, Text) when C >= $0, C =< $9; C =:= $- -> number(Rest, Length + 1, Kind, Text);
number(<<C, Rest/binary>>, Length, _, Text) when C =:= $.; C =:= $e -> number(Rest, Length + 1, float, Text);
number(Rest, Length, integer, Text) -> {binary_to_integer(binary:part(Text, 0, Length)), Rest};
number(Rest, Length, float, Text) -> {binary_to_float(binary:part(Text, 0, Length)), Rest}.
