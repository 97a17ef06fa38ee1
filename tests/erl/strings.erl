%% Strings as lists and as binaries: building, splitting, joining, matching.
-module(strings).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW(id("hello") ++ ", " ++ id("world")),
    ?SHOW(upcase(id("Hello, World 42"))),
    ?SHOW(split(id("a,b,,c"), $,)),
    ?SHOW(join(id(["x", "yy", "zzz"]), " - ")),
    ?SHOW(greeting(id("Hello Joe"))),
    ?SHOW(greeting(id("Hello "))),
    ?SHOW(greeting(id("Bye"))),
    ?SHOW(binary_upcase(id(<<"mixed Case">>))),
    ?SHOW(words(id(<<"  the quick  brown fox ">>))),
    ?SHOW(trim(id(<<"   trimmed text  ">>))),
    ?SHOW(rot13(rot13(id("Why did the chicken")))),
    ?SHOW(rot13(id("Why did the chicken"))),
    ?SHOW(hex(id(<<0, 1, 127, 128, 255>>))),
    ?SHOW(unhex(id(<<"00017F80FF">>))),
    ?SHOW(palindrome(id("abccba"))),
    ?SHOW(palindrome(id("abcdba"))),
    ?SHOW(count(id("mississippi"))),
    ?SHOW(numbers(id("12 apples, 7 pears and 100 plums"))),
    ?SHOW(version(id(<<"GET /index.html HTTP/1.1\r\n">>))),
    ?SHOW(version(id(<<"PUT /x HTTP/1.0\r\n">>))),
    ?SHOW(version(id(<<"nonsense">>))),
    ?SHOW([C || <<C>> <= id(<<"bytes">>), C =/= $t]),
    ?SHOW(<< <<(C + 1)>> || C <- id("HAL") >>),
    ?SHOW("tail of" -- "tail"),
    ?SHOW(id("caf\x{e9}")),
    ?SHOW(id([1080, 1078])),
    ?SHOW(id("tab\there\n")).

upcase(S) -> [if C >= $a, C =< $z -> C - 32; true -> C end || C <- S].

binary_upcase(B) ->
    << <<(case C of
              _ when C >= $a, C =< $z -> C - 32;
              _ -> C
          end)>> || <<C>> <= B >>.

split(S, Separator) -> split(S, Separator, [], []).

split([], _, Word, Words) -> lists:reverse([lists:reverse(Word) | Words]);
split([Sep | Rest], Sep, Word, Words) -> split(Rest, Sep, [], [lists:reverse(Word) | Words]);
split([C | Rest], Sep, Word, Words) -> split(Rest, Sep, [C | Word], Words).

join([], _) -> "";
join([S], _) -> S;
join([S | Rest], Separator) -> S ++ Separator ++ join(Rest, Separator).

greeting("Hello " ++ [_ | _] = "Hello " ++ Name) -> {hello, Name};
greeting("Hello " ++ _) -> nobody;
greeting(Other) -> {unknown, Other}.

words(Text) -> [W || W <- words(Text, <<>>), W =/= <<>>].

words(<<$\s, Rest/binary>>, Word) -> [Word | words(Rest, <<>>)];
words(<<C, Rest/binary>>, Word) -> words(Rest, <<Word/binary, C>>);
words(<<>>, Word) -> [Word].

trim(<<$\s, Rest/binary>>) -> trim(Rest);
trim(Text) -> trim_end(Text, byte_size(Text)).

trim_end(Text, Size) when Size > 0 ->
    Before = Size - 1,
    case Text of
        <<_:Before/binary, $\s, _/binary>> -> trim_end(Text, Before);
        <<Kept:Size/binary, _/binary>> -> Kept
    end;
trim_end(_, 0) -> <<>>.

rot13(S) -> [rot13_char(C) || C <- S].

rot13_char(C) when C >= $a, C =< $z -> (C - $a + 13) rem 26 + $a;
rot13_char(C) when C >= $A, C =< $Z -> (C - $A + 13) rem 26 + $A;
rot13_char(C) -> C.

hex(B) -> << <<(digit(H)), (digit(L))>> || <<H:4, L:4>> <= B >>.

digit(D) when D < 10 -> $0 + D;
digit(D) -> $A + D - 10.

unhex(B) -> << <<(value(H)):4, (value(L)):4>> || <<H, L>> <= B >>.

value(C) when C >= $0, C =< $9 -> C - $0;
value(C) when C >= $A, C =< $F -> C - $A + 10.

palindrome(S) -> S =:= lists:reverse(S).

count(S) -> [{[C], length([X || X <- S, X =:= C])} || C <- lists:usort(S)].

numbers([]) -> [];
numbers([D | _] = S) when D >= $0, D =< $9 ->
    {Digits, Rest} = lists:splitwith(fun(C) -> C >= $0 andalso C =< $9 end, S),
    [list_to_integer(Digits) | numbers(Rest)];
numbers([_ | Rest]) -> numbers(Rest).

version(Line) ->
    case Line of
        <<"GET ", Rest/binary>> -> {get, version_of(Rest)};
        <<Method:3/binary, " ", Rest/binary>> -> {Method, version_of(Rest)};
        _ -> bad_request
    end.

version_of(Line) ->
    Skip = byte_size(Line) - 10,
    case Line of
        <<Path:Skip/binary, " HTTP/", Rest/binary>> -> {Path, Rest};
        <<Path:(Skip - 1)/binary, " HTTP/", Major, ".", Minor, "\r\n">> ->
            {Path, Major - $0, Minor - $0};
        _ -> none
    end.
