%% Segments of random types, sizes and alignments, built and matched: integers, floats and parts; what is
%% taken apart must be what was put together, and samples are printed.
%% gcstress: small
-module(bits_random).
-export([main/0, main/1]).
-include("show.hrl").

main() -> main([large]).

main([Size]) ->
    Rounds = case Size of large -> 3000; small -> 300 end,
    integers(Rounds, 42),
    floats(Rounds div 10, 7),
    parts(Rounds div 2, 99),
    appending(Rounds div 20, 5),
    ?SHOW(done).

%% The next of a sequence of 64-bit numbers, and a number below Limit out of it.
next(State) ->
    (State * 6364136223846793005 + 1442695040888963407) band 16#ffffffffffffffff.

below(State, Limit) ->
    (State bsr 33) rem Limit.

integers(0, _) ->
    ok;
integers(Round, State) ->
    [S1, S2, S3, S4] = states(4, State),
    Size = below(S1, 150),
    Offset = below(S2, 20),
    Magnitude = ((S3 bsl 64) bor S4) bsr below(S2 bsr 8, 128),
    Value = case S1 band 256 of 0 -> Magnitude; _ -> -Magnitude end,
    Big = <<5:Offset, Value:Size/big, 3:5>>,
    Little = <<5:Offset, Value:Size/little, 3:5>>,
    <<_:Offset, B:Size/big, _/bits>> = Big,
    <<_:Offset, SB:Size/signed-big, Tail/bits>> = Big,
    <<_:Offset, L:Size/little, _/bits>> = Little,
    <<_:Offset, SL:Size/signed-little, _:5/bits>> = Little,
    true = B =:= L,
    true = SB =:= SL,
    true = B =:= Value band ((1 bsl Size) - 1),
    sample(Round, {Size, Offset, Big, Little, B, SB, Tail, <<Big/bits, Little/bits>>}),
    integers(Round - 1, S4).

floats(0, _) ->
    ok;
floats(Round, State) ->
    [S1, S2] = states(2, State),
    Offset = below(S1, 9),
    Bin = <<0:Offset, S2:64, S1:64>>,
    erlang:display([float_of(Bin, Offset, Size) || Size <- [16, 32, 64]]),
    floats(Round - 1, S2).

float_of(Bin, Offset, Size) ->
    Big = case Bin of
              <<_:Offset, F:Size/float, _/bits>> ->
                  {F, <<F:64/float>>, <<F:32/float>>, <<F:16/float-little>>, <<1:3, F:Size/float>>};
              _ ->
                  not_finite
          end,
    Little = case Bin of
                 <<_:Offset, G:Size/float-little, _/bits>> -> G;
                 _ -> not_finite
             end,
    {Big, Little}.

parts(0, _) ->
    ok;
parts(Round, State) ->
    [S1, S2, S3] = states(3, State),
    Whole = << <<(S1 bsr Shift)>> || Shift <- lists:seq(0, 55) >>,
    Size = below(S2, 440),
    Offset = below(S3, 449 - Size),
    <<_:Offset, Part:Size/bits, Tail/bits>> = Whole,
    Half = bit_size(Part) div 2,
    <<Left:Half/bits, Right/bits>> = Part,
    true = <<Left/bits, Right/bits>> =:= Part,
    true = <<Left/bits, Right/bits, Tail/bits>> =:= <<Part/bits, Tail/bits>>,
    Longer = <<Whole/bits, Right/bits, Whole/bits, Part/bits, Left/bits>>,
    sample(Round, {Part, Left, Longer, Part < Right, Left < Right, Longer > Part}),
    parts(Round - 1, S3).

%% Accumulators that share a prefix, each appended to by others.
appending(0, _) ->
    ok;
appending(Round, State) ->
    S = next(State),
    A = append(below(S, 300), S, <<>>),
    B = append(5, S + 1, A),
    C = append(5, S + 2, A),
    D = append(300, S + 3, A),
    E = append(7, S, C),
    sample(Round, {A, B, C, D, E, append(100, S + 4, E)}),
    appending(Round - 1, S).

append(0, _, Acc) ->
    Acc;
append(N, State, Acc) ->
    S = next(State),
    append(N - 1, S, <<Acc/bits, S:(below(S, 13))>>).

states(0, _) -> [];
states(N, State) -> S = next(State), [S | states(N - 1, S)].

sample(Round, Term) when Round rem 50 =:= 0 -> erlang:display(Term);
sample(_, _) -> ok.
