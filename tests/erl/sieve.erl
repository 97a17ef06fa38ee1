%% Primes by trial sieve in list comprehensions: filters, closures, garbage.
%% gcstress: small
-module(sieve).
-export([main/0, main/1]).

main() -> run(10000).

main([small]) -> run(200).

run(Limit) ->
    Primes = sieve(seq(2, Limit)),
    erlang:display({primes_below, Limit, length(Primes)}),
    erlang:display(take(25, Primes)),
    erlang:display({last, hd(reverse(Primes, []))}),
    erlang:display({sum, sum(Primes, 0)}),
    Twins = [{P, Q} || {P, Q} <- pairs(Primes), Q - P =:= 2],
    erlang:display({twins, length(Twins), take(5, Twins)}).

sieve([]) -> [];
sieve([Prime | Rest]) -> [Prime | sieve([N || N <- Rest, N rem Prime =/= 0])].

pairs([A, B | Rest]) -> [{A, B} | pairs([B | Rest])];
pairs(_) -> [].

seq(From, To) when From > To -> [];
seq(From, To) -> [From | seq(From + 1, To)].

take(0, _) -> [];
take(_, []) -> [];
take(N, [X | Rest]) -> [X | take(N - 1, Rest)].

reverse([], Acc) -> Acc;
reverse([X | Rest], Acc) -> reverse(Rest, [X | Acc]).

sum([], Acc) -> Acc;
sum([X | Rest], Acc) -> sum(Rest, Acc + X).
