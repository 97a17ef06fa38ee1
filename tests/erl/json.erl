%% -*- coding: utf-8 -*-
%% A JSON reader and writer: binaries, maps, recursion and text together.
-module(json).
-export([main/0]).
-include("show.hrl").

main() ->
    Text = id(<<"{\"name\": \"Ann \\\"A\\\" é\\u00e9\\n\", \"age\": 42, \"tags\": [\"a\", \"b\", [], {}],"
                " \"nested\": {\"x\": -1.5e3, \"big\": 12345678901234567890, \"t\": true, \"f\": false, \"n\": null}}"/utf8>>),
    Value = decode(Text),
    ?SHOW(Value),
    ?SHOW(maps:get(<<"x">>, maps:get(<<"nested">>, Value))),
    Encoded = iolist_to_binary(encode(Value)),
    ?SHOW(Encoded),
    ?SHOW(decode(Encoded) =:= Value),
    ?SHOW([try decode(B) catch throw:E -> E end
           || B <- id([<<"[1, 2">>, <<"{\"a\" 1}">>, <<"tru">>, <<"\"open">>, <<"[1,]">>, <<"">>, <<"1 2">>, <<"{1: 2}">>, <<"\"\\x\"">>, <<"-">>])]),
    ?SHOW([decode(B) || B <- id([<<"0">>, <<" [ ] ">>, <<"\"\"">>, <<"[[[[1]]]]">>, <<"1.0">>, <<"1E2">>, <<"\"\\ud83d\\ude00\"">>])]),
    Many = maps:from_list([{integer_to_binary(I), [I, #{<<"square">> => I * I}, <<"text">>, null]} || I <- lists:seq(1, 500)]),
    ?SHOW(decode(iolist_to_binary(encode(Many))) =:= Many).

decode(Text) ->
    {Value, Rest} = value(skip(Text)),
    case skip(Rest) of
        <<>> -> Value;
        More -> throw({trailing, More})
    end.

skip(<<C, Rest/binary>>) when C =:= $\s; C =:= $\n; C =:= $\r; C =:= $\t -> skip(Rest);
skip(Rest) -> Rest.

value(<<"{", Rest/binary>>) -> object(skip(Rest), #{}, first);
value(<<"[", Rest/binary>>) -> array(skip(Rest), [], first);
value(<<"\"", Rest/binary>>) -> string(Rest, <<>>);
value(<<"true", Rest/binary>>) -> {true, Rest};
value(<<"false", Rest/binary>>) -> {false, Rest};
value(<<"null", Rest/binary>>) -> {null, Rest};
value(<<C, _/binary>> = Text) when C =:= $-; C >= $0, C =< $9 -> number(Text);
value(Other) -> throw({unexpected, Other}).

object(<<"}", Rest/binary>>, Acc, first) -> {Acc, Rest};
object(<<"\"", Rest/binary>>, Acc, _) ->
    {Key, AfterKey} = string(Rest, <<>>),
    case skip(AfterKey) of
        <<":", Text/binary>> ->
            {Value, More} = value(skip(Text)),
            New = Acc#{Key => Value},
            case skip(More) of
                <<",", Next/binary>> -> object(skip(Next), New, next);
                <<"}", Next/binary>> -> {New, Next};
                Bad -> throw({object, Bad})
            end;
        Bad -> throw({colon, Bad})
    end;
object(Bad, _, _) -> throw({key, Bad}).

array(<<"]", Rest/binary>>, Acc, first) -> {Acc, Rest};
array(Text, Acc, _) ->
    {Value, More} = value(Text),
    case skip(More) of
        <<",", Next/binary>> -> array(skip(Next), [Value | Acc], next);
        <<"]", Next/binary>> -> {lists:reverse([Value | Acc]), Next};
        Bad -> throw({array, Bad})
    end.

string(<<"\"", Rest/binary>>, Acc) -> {Acc, Rest};
string(<<"\\u", A:4/binary, "\\u", B:4/binary, Rest/binary>>, Acc) ->
    case {binary_to_integer(A, 16), binary_to_integer(B, 16)} of
        {H, L} when H >= 16#D800, H < 16#DC00, L >= 16#DC00, L < 16#E000 ->
            string(Rest, <<Acc/binary, (16#10000 + ((H - 16#D800) bsl 10) + L - 16#DC00)/utf8>>);
        {H, _} ->
            string(<<"\\u", B/binary, Rest/binary>>, <<Acc/binary, H/utf8>>)
    end;
string(<<"\\u", A:4/binary, Rest/binary>>, Acc) -> string(Rest, <<Acc/binary, (binary_to_integer(A, 16))/utf8>>);
string(<<"\\", C, Rest/binary>>, Acc) -> string(Rest, <<Acc/binary, (escaped(C))>>);
string(<<C/utf8, Rest/binary>>, Acc) -> string(Rest, <<Acc/binary, C/utf8>>);
string(_, _) -> throw(open_string).

escaped($n) -> $\n;
escaped($t) -> $\t;
escaped(C) when C =:= $"; C =:= $\\; C =:= $/ -> C;
escaped(C) -> throw({escape, C}).

number(Text) ->
    Length = digits(Text, 0),
    <<Digits:Length/binary, Rest/binary>> = Text,
    try {binary_to_integer(Digits), Rest}
    catch
        error:badarg ->
            try {binary_to_float(with_point(Digits)), Rest}
            catch error:badarg -> throw({number, Digits})
            end
    end.

digits(Text, N) ->
    case Text of
        <<_:N/binary, C, _/binary>> when C >= $0, C =< $9; C =:= $-; C =:= $+; C =:= $.; C =:= $e; C =:= $E -> digits(Text, N + 1);
        _ -> N
    end.

%% Erlang's floats need a point.
with_point(Digits) ->
    case binary:match(Digits, <<".">>) of
        nomatch -> binary:replace(Digits, [<<"e">>, <<"E">>], <<".0e">>);
        _ -> Digits
    end.

encode(M) when is_map(M) ->
    [${, lists:join($,, [[encode(K), $:, encode(V)] || {K, V} <- lists:sort(maps:to_list(M))]), $}];
encode(L) when is_list(L) -> [$[, lists:join($,, [encode(X) || X <- L]), $]];
encode(B) when is_binary(B) -> [$", [escape(C) || <<C/utf8>> <= B], $"];
encode(I) when is_integer(I) -> integer_to_binary(I);
encode(F) when is_float(F) -> float_to_binary(F, [short]);
encode(A) when is_atom(A) -> atom_to_binary(A).

escape($") -> "\\\"";
escape($\\) -> "\\\\";
escape($\n) -> "\\n";
escape(C) -> <<C/utf8>>.
