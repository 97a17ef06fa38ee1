%% Random choices and random terms, the same in every run from the same seed.
%%
%% `main/0,1` runs blocks of the includer's `topics/0`, `[{Topic, Fun}]`, from its `first_seed/0`. `seed/1` begins a sequence, which is kept in the process dictionary; `below/1`, `pick/1` and `any/1` take from it.
%% `outcome/1` turns an exception into a value, `digest/2` says a block of results in one line, so that a long run
%% of two machines can be compared, and the block that differs be printed whole.

main() -> run(first_seed(), 8).

main([small]) -> run(first_seed(), 1);
main([Seed, Blocks]) -> run(number(Seed), number(Blocks));
main([Seed, Blocks, Topic, Block]) ->
    put(whole, {Topic, number(Block)}),
    run(number(Seed), number(Blocks)).

number(Atom) -> list_to_integer(atom_to_list(Atom)).

run(Seed, Blocks) ->
    erlang:display({seed, Seed}),
    lists:foreach(
      fun(Block) ->
              lists:foreach(fun({Topic, F}) ->
                                    seed(Seed * 1000003 + Block * 8 + erlang:phash2(Topic, 997)),
                                    digest(Topic, Block, F())
                            end,
                            topics())
      end,
      lists:seq(1, Blocks)).

seed(Seed) ->
    put(random, Seed band 16#ffffffffffff).

%% The next 32 bits.
next() ->
    S = (get(random) * 25214903917 + 11) band 16#ffffffffffff,
    put(random, S),
    S bsr 16.

below(1) -> 0;
below(N) when N =< 16#ffffffff -> next() rem N;
below(N) -> ((next() bsl 32) bor next()) rem N.

pick(Choices) when is_tuple(Choices) -> element(1 + below(tuple_size(Choices)), Choices);
pick(Choices) -> lists:nth(1 + below(length(Choices)), Choices).

chance(OneIn) -> below(OneIn) =:= 0.

many(0, _) -> [];
many(N, F) -> X = F(), [X | many(N - 1, F)].

outcome(F) ->
    try {ok, F()} catch Class:Reason -> {Class, Reason} end.

%% Integers about every boundary: of bytes, of the small integers of 32 and 64 bits, of digits and of powers.
integer() ->
    case below(8) of
        0 -> below(256) - 128;
        1 -> near(1 bsl pick({7, 8, 15, 16, 26, 27, 28, 31, 32, 47, 48, 52, 53, 58, 59, 60, 61, 62, 63, 64, 65, 95, 96, 127, 128, 129}));
        2 -> near(1 bsl below(600));
        3 -> bits(below(64));
        4 -> bits(below(256));
        5 -> bits(below(2200));
        6 -> near(pick({1, 10, 1000, 1000000000, 1000000000000000000, 100000000000000000000}) * (1 + below(1000)));
        7 -> sign(trunc(pick({1.0e15, 9007199254740992.0, 1.0e22, 1.7976931348623157e308, 4.611686018427388e18, 9.223372036854775807e18}))
                  + below(3) - 1)
    end.

near(N) -> sign(N + below(5) - 2).

sign(N) -> case chance(2) of true -> N; false -> -N end.

%% Up to N random bits, long runs of equal ones among them.
bits(N) ->
    sign(case below(4) of
             0 -> (1 bsl N) - (1 bsl below(N + 1));
             _ -> bits(N, 0)
         end).

bits(N, Acc) when N >= 32 -> bits(N - 32, (Acc bsl 32) bor next());
bits(N, Acc) -> (Acc bsl N) bor (next() bsr (32 - N)).

floating() ->
    case below(6) of
        0 -> pick({0.0, -0.0, 1.0, -1.0, 0.1, 1.0e-5, 5.0e-324, 2.2250738585072014e-308, 2.225073858507201e-308,
                   1.7976931348623157e308, -1.7976931348623157e308, 4503599627370496.5, 9007199254740992.0, 9007199254740994.0,
                   1.8446744073709552e19, 576460752303423488.0, 1.0e22, 1.0e23, 123456789012345680.0, 0.5, 1.5, 2.5, -0.5});
        1 -> float(below(1000) - 500);
        2 -> (below(1000000) - 500000) / 1000;
        3 -> case outcome(fun() -> float(integer()) end) of {ok, F} -> F; _ -> 1.0e300 end;
        _ -> any_float()
    end.

any_float() ->
    case <<(next()):32, (next()):32>> of
        <<F/float>> -> F;
        _ -> any_float()
    end.

atom() ->
    pick({a, b, ok, error, '', 'A b', 'it\'s', '\x{e5}\x{e4}\x{f6}', '\x{3b1}\x{3b2}', '\x{1f600}', nil, true, false, undefined,
          'longer_than_eight_bytes', 'with\nnewline', '[]', '{}', 'end', 'aB@_1', '1a', '\x{7f}', '\x{80}', '\x{fffd}'}).

%% Own and foreign identifiers. Those of other nodes are made from their external form.
identifier() ->
    case pick(case get(identifiers) of own -> {nonode@nohost}; foreign -> {'x@host', 'y@host'}; _ -> {nonode@nohost, 'x@host', 'y@host', '\x{e5}@host'} end) of
        nonode@nohost ->
            case chance(2) of
                true -> list_to_pid("<0." ++ integer_to_list(below(20)) ++ ".0>");
                false -> list_to_port("#Port<0." ++ integer_to_list(below(20)) ++ ">")
            end;
        Node ->
            Name = atom_to_binary(Node),
            Encoded = <<119, (byte_size(Name)), Name/binary>>,
            Creation = pick({0, 1, 3, 4, 16#ffffffff}),
            Bytes = case below(4) of
                        0 -> <<88, Encoded/binary, (next()):32, (pick({0, 1, 8191, next()})):32, Creation:32>>;
                        1 -> <<89, Encoded/binary, (below(1 bsl 28)):32, Creation:32>>;
                        2 -> <<120, Encoded/binary, (next()):32, (next()):32, Creation:32>>;
                        3 -> %% Of one word OTP 25 makes keys of large maps that it does not find.
                             Words = 2 + below(4),
                             <<90, Words:16, Encoded/binary, Creation:32, (below(1 bsl 18)):32,
                               << <<(next()):32>> || _ <- lists:seq(2, Words) >>/binary>>
                    end,
            binary_to_term(<<131, Bytes/binary>>)
    end.

%% A part of a binary, so that it begins and ends anywhere.
bitstring() ->
    Bytes = << <<(byte())>> || _ <- lists:seq(1, pick({0, 1, 2, 3, 8, 9, 20, 63, 64, 65, 70, below(300)})) >>,
    case below(3) of
        0 -> Bytes;
        1 -> Skip = below(byte_size(Bytes) + 1), <<_:Skip/binary, Rest/binary>> = Bytes, Rest;
        2 -> Skip = below(bit_size(Bytes) + 1), Take = below(bit_size(Bytes) - Skip + 1),
             <<_:Skip, Part:Take/bits, _/bits>> = Bytes, Part
    end.

byte() -> pick({0, 255, 128, 127, $a, $z, $\n, below(256), below(256)}).

string() -> [byte() || _ <- lists:seq(1, pick({0, 1, 2, 5, 20, below(100)}))].

%% Any term at most Depth deep. Maps have at most 32 keys: beyond them the order of their keys is each machine's own.
any(0) ->
    case below(14) of
        0 -> floating();
        1 -> floating();
        2 -> atom();
        3 -> atom();
        4 -> identifier();
        5 -> bitstring();
        6 -> bitstring();
        7 -> [];
        8 -> pick({{}, #{}, <<>>, ""});
        9 -> pick({fun lists:map/2, fun erlang:'+'/2, fun erlang:'+'/1, fun a:b/255, fun lists:map/3, fun a:b/0});
        10 -> string();
        _ -> integer()
    end;
any(Depth) ->
    case below(10) of
        0 -> list_to_tuple(some(Depth));
        1 -> some(Depth);
        2 -> [any(Depth - 1) | any(Depth - 1)];
        3 -> maps:from_list([{key(Depth - 1), any(Depth - 1)} || _ <- lists:seq(1, pick({0, 1, 2, 3, 8, below(33)}))]);
        4 -> #{pick({1, 1.0, a, 0.0, 0}) => any(Depth - 1), pick({1, 1.0, 2, 2.0, b, <<>>}) => any(Depth - 1)};
        5 -> {any(Depth - 1), any(Depth - 1)};
        _ -> any(0)
    end.

%% Not with -0.0, which is the same key as 0.0: which of the two a map keeps is not looked at.
key(Depth) -> key_of(any(Depth)).

key_of(Term) ->
    case binary:match(term_to_binary(Term, [{minor_version, 1}]), <<70, 128, 0, 0, 0, 0, 0, 0, 0>>) of
        nomatch -> Term;
        _ -> key
    end.

some(Depth) -> [any(Depth - 1) || _ <- lists:seq(1, pick({0, 1, 2, 3, 4, 5, 10}))].

%% A term like Term, often equal to it: numbers of the other kind, other ends, other parts.
like(Term) ->
    case below(3) of
        0 -> Term;
        _ -> other(Term)
    end.

other(I) when is_integer(I) ->
    case below(4) of
        0 -> I + 1;
        1 -> -I;
        _ -> case outcome(fun() -> float(I) end) of {ok, F} -> F; _ -> I end
    end;
other(F) when is_float(F) ->
    case below(3) of
        %% Not -F: of 0.0 that is 0.0 with OTP 25's JIT.
        0 -> F * -1;
        1 -> trunc(F);
        2 -> <<B:64>> = <<F/float>>,
             case <<(B bxor 1):64>> of <<G/float>> -> G; _ -> F end
    end;
other([Head | Tail]) ->
    case chance(2) of true -> [like(Head) | Tail]; false -> [Head | like(Tail)] end;
other(Tuple) when is_tuple(Tuple), tuple_size(Tuple) > 0 ->
    N = 1 + below(tuple_size(Tuple)),
    setelement(N, Tuple, like(element(N, Tuple)));
other(Map) when map_size(Map) > 0 ->
    Key = pick(lists:sort(maps:keys(Map))),
    case below(3) of
        0 -> maps:remove(Key, Map);
        1 -> Map#{Key => like(maps:get(Key, Map))};
        2 -> maps:put(like(Key), maps:get(Key, Map), maps:remove(Key, Map))
    end;
other(Bits) when is_bitstring(Bits), bit_size(Bits) > 0 ->
    At = below(bit_size(Bits)),
    <<Before:At/bits, Bit:1, After/bits>> = Bits,
    case chance(2) of true -> <<Before/bits, (1 - Bit):1, After/bits>>; false -> Before end;
other(_) ->
    any(1).

%% One line for the results of block Number of Topic; all of them when that block was asked for.
digest(Topic, Number, Results) ->
    case get(whole) of
        {Topic, Number} -> lists:foreach(fun(R) -> erlang:display({md5(R), R, if is_list(R) -> lists:map(fun md5/1, R); true -> [] end}) end, Results);
        _ -> ok
    end,
    erlang:display({Topic, Number, md5(Results)}).

md5(Term) ->
    erlang:md5(term_to_binary(Term, [deterministic, {minor_version, 2}])).
